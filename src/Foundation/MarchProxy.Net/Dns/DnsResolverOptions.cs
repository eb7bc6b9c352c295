using System.Net;

namespace MarchProxy.Net.Dns;

/// <summary>Settings of a <see cref="DnsResolver"/>.</summary>
public sealed record DnsResolverOptions
{
    /// <summary>The servers in order of preference. Null: those of resolv.conf, with its search list and options.</summary>
    public IReadOnlyList<IPEndPoint>? Servers { get; init; }

    /// <summary>Whether the names in <see cref="HostsPath"/> go before DNS.</summary>
    public bool UseHostsFile { get; init; } = true;

    /// <summary>The hosts file; it is read again within 5 s of a change.</summary>
    public string HostsPath { get; init; } = "/etc/hosts";

    /// <summary>The resolver configuration; it is read again within 5 s of a change.</summary>
    public string ResolvConfPath { get; init; } = "/etc/resolv.conf";

    /// <summary>Names kept, at least 1; about 300 bytes each. The name least recently used makes room.</summary>
    public int MaxCachedNames { get; init; } = 10_000;

    /// <summary>Names being resolved at once, at least 1; each has up to two sockets open. More are answered Busy.</summary>
    public int MaxConcurrent { get; init; } = 512;

    /// <summary>How long one server has to answer one query; above zero. <c>options timeout</c> of resolv.conf goes before it.</summary>
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often the list of servers is gone through, at least 1. <c>options attempts</c> of resolv.conf goes before it.</summary>
    public int Attempts { get; init; } = 2;

    /// <summary>The clock for time-outs, cache lifetimes and the check for changed files.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
