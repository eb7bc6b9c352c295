namespace MarchProxy.Model.Egress;

/// <summary>Why the answer is no; each has a stable code in logs, metrics and answers.</summary>
public enum DenyReason
{
    /// <summary>It is not no.</summary>
    None,

    /// <summary>No mapping leads from this source to this destination.</summary>
    NoMapping,

    /// <summary>A mapping says deny.</summary>
    ExplicitDeny,

    /// <summary>A mapping fits but for the protocol or port.</summary>
    ProtocolOrPort,

    /// <summary>The mapping that fitted has expired.</summary>
    Expired,

    /// <summary>The mapping that fits waits for its approval, or was refused it.</summary>
    NotApproved,

    /// <summary>A mapping would fit if the source proved who it is.</summary>
    AuthenticationRequired,

    /// <summary>The proof is wrong: no such service, or not its token.</summary>
    BadCredentials,

    /// <summary>The destination is no name or address as the policy reads them.</summary>
    BadDestination,

    /// <summary>The name resolved to nothing but addresses that the guard refuses.</summary>
    AddressRefused,

    /// <summary>The TLS that came through a tunnel names another host than the tunnel was opened for, or none.</summary>
    SniMismatch,

    /// <summary>A tunnel for TLS alone carried something else.</summary>
    NotTls,

    /// <summary>A connection was caught on its way to an address that the name it names does not have.</summary>
    NameAddressMismatch,

    /// <summary>More requests a second, or more tunnels, than the mapping or the service may have.</summary>
    RateLimited,
}

/// <summary>The stable codes of <see cref="DenyReason"/>.</summary>
public static class DenyReasons
{
    /// <summary>The code in logs, metrics and answers.</summary>
    /// <param name="reason">The reason.</param>
    public static string Code(this DenyReason reason) => reason switch
    {
        DenyReason.NoMapping => "no-mapping",
        DenyReason.ExplicitDeny => "explicit-deny",
        DenyReason.ProtocolOrPort => "protocol-or-port",
        DenyReason.Expired => "mapping-expired",
        DenyReason.NotApproved => "mapping-not-approved",
        DenyReason.AuthenticationRequired => "authentication-required",
        DenyReason.BadCredentials => "bad-credentials",
        DenyReason.BadDestination => "bad-destination",
        DenyReason.AddressRefused => "address-refused",
        DenyReason.SniMismatch => "sni-mismatch",
        DenyReason.NotTls => "not-tls",
        DenyReason.NameAddressMismatch => "name-address-mismatch",
        DenyReason.RateLimited => "rate-limited",
        _ => "none",
    };
}
