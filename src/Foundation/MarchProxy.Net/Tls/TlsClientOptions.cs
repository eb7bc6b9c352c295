namespace MarchProxy.Net.Tls;

/// <summary>What a TLS client trusts, offers and shows.</summary>
public sealed record TlsClientOptions
{
    /// <summary>PEM of the CAs that servers must come from; null for the system's.</summary>
    public string? CaPem { get; init; }

    /// <summary>Take any certificate of any name: whoever sits in between can read and change everything.</summary>
    public bool SkipVerification { get; init; }

    /// <summary>The oldest version taken. Default 1.2.</summary>
    public TlsMinVersion MinVersion { get; init; }

    /// <summary>Protocols offered by ALPN, best first.</summary>
    public IReadOnlyList<string> Alpn { get; init; } = ["http/1.1"];

    /// <summary>Shown to servers that ask for a certificate; null for none.</summary>
    public TlsCertificate? Certificate { get; init; }
}
