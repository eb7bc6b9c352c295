using System.Collections.Immutable;

namespace MarchProxy.Model.Resources;

/// <summary>TLS towards a service.</summary>
public sealed record ServiceTls
{
    /// <summary>The name that its certificate must be for, and that is asked for (SNI); empty for the name or address that is dialled.</summary>
    public string ServerName { get; init; } = "";

    /// <summary>PEM of the CAs that its certificate must come from; empty for the system's.</summary>
    public string Ca { get; init; } = "";

    /// <summary>Takes any certificate: whoever sits in between can read and change everything.</summary>
    public bool InsecureSkipVerify { get; init; }

    /// <summary>The certificate shown to a service that asks for one; empty for none.</summary>
    public string Certificate { get; init; } = "";

    /// <summary>Protocols offered to it by ALPN, best first: <c>h2</c>, <c>http/1.1</c>. Empty for both; it chooses.</summary>
    public ImmutableArray<string> Alpn { get; init; } = [];
}
