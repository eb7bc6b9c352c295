using System.Collections.Immutable;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Egress;

namespace MarchProxy.Model.Resources;

/// <summary>What a mapping does with what it matches.</summary>
public enum MappingEffect
{
    /// <summary>Lets it through.</summary>
    Allow,

    /// <summary>Refuses it.</summary>
    Deny,

    /// <summary>Lets it through and logs that it would be refused.</summary>
    Report,
}

/// <summary>Which proof a mapping demands of its source.</summary>
public enum MappingAuth
{
    /// <summary>What the source service's own auth says.</summary>
    Inherit,

    /// <summary>A service token.</summary>
    Token,

    /// <summary>A JSON Web Token.</summary>
    Jwt,

    /// <summary>A client certificate.</summary>
    Mtls,

    /// <summary>The source address alone.</summary>
    None,
}

/// <summary>Whether a mapping has been approved.</summary>
public enum Approval
{
    /// <summary>It holds.</summary>
    Approved,

    /// <summary>It waits and does not hold.</summary>
    Pending,

    /// <summary>It was refused and does not hold.</summary>
    Rejected,
}

/// <summary>Who may reach what. Without one there is no traffic; the first match by priority decides, at equal priority deny beats allow.</summary>
public sealed record Mapping : Resource
{
    /// <inheritdoc/>
    public override string Kind => "mapping";

    /// <summary>Service names, <c>collection:NAME</c> or <c>all</c>.</summary>
    public ImmutableArray<string> Sources { get; init; } = [];

    /// <summary>Service names, <c>collection:NAME</c> or <c>all</c>.</summary>
    public ImmutableArray<string> Destinations { get; init; } = [];

    /// <summary>The protocols it is for. Default tcp, http and https.</summary>
    public EgressProtocols Protocols { get; init; } = EgressProtocols.Tcp | EgressProtocols.Http | EgressProtocols.Https;

    /// <summary>The ports a client may ask for; empty for any.</summary>
    public PortSet Ports { get; init; } = PortSet.Any;

    /// <summary>Ports asked for, translated to those dialled.</summary>
    public ImmutableDictionary<int, int> PortMap { get; init; } = ImmutableDictionary<int, int>.Empty;

    /// <summary>What it does.</summary>
    public MappingEffect Effect { get; init; }

    /// <summary>1 to 1000, lower first. Default 100.</summary>
    public int Priority { get; init; } = 100;

    /// <summary>The proof it demands.</summary>
    public MappingAuth Auth { get; init; }

    /// <summary>Requests a second for each source; zero for no limit.</summary>
    public int RateLimit { get; init; }

    /// <summary>For a response to begin; zero for the edge's default.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>When it ends; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Why it exists.</summary>
    public string Justification { get; init; } = "";

    /// <summary>Whether it was approved. Default approved.</summary>
    public Approval Approval { get; init; }

    /// <summary>A port of its own that leads straight to the destination; null for none.</summary>
    public MappingListen? Listen { get; init; }
}
