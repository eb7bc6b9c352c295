using System.Diagnostics.CodeAnalysis;

namespace MarchProxy.Net.Dns;

/// <summary>Turns names into addresses. Safe for use by many threads at once.</summary>
public interface INameResolver
{
    /// <summary>Looks a name up in what is known already, without allocation and without waiting.</summary>
    /// <param name="host">A name, in any case; a trailing dot makes it absolute.</param>
    /// <param name="result">What is known; it may be negative.</param>
    /// <returns>False if the name has to be resolved: call <see cref="ResolveAsync"/>.</returns>
    bool TryGetCached(ReadOnlySpan<char> host, [NotNullWhen(true)] out ResolveResult? result);

    /// <summary>Resolves a name or an IP address in text. Never throws for what a server or a client did: see the status.</summary>
    /// <param name="host">A name, an IPv4 address, or an IPv6 address with or without brackets.</param>
    /// <param name="cancellationToken">Ends the wait of this caller with <see cref="OperationCanceledException"/>.</param>
    ValueTask<ResolveResult> ResolveAsync(string host, CancellationToken cancellationToken = default);
}
