namespace MarchProxy.Net.Tls;

/// <summary>What a step of a TLS session came to.</summary>
public enum TlsStatus
{
    /// <summary>Done.</summary>
    Ok,

    /// <summary>Again once the socket can be read.</summary>
    WantRead,

    /// <summary>Again once the socket can be written.</summary>
    WantWrite,

    /// <summary>The peer ended its side by close_notify.</summary>
    Closed,

    /// <summary>The connection ended or failed below TLS: what was read may not be the whole.</summary>
    Reset,

    /// <summary>A fault of the protocol, or the peer was not accepted; see <see cref="TlsSession.FailureReason"/>.</summary>
    Failed,
}

/// <summary>The protocol that ALPN settled on (RFC 7301).</summary>
public enum TlsProtocol
{
    /// <summary>None was negotiated.</summary>
    None,

    /// <summary><c>http/1.1</c>.</summary>
    Http11,

    /// <summary><c>h2</c>.</summary>
    H2,

    /// <summary>Another.</summary>
    Other,
}

/// <summary>The oldest TLS version taken.</summary>
public enum TlsMinVersion
{
    /// <summary>RFC 5246.</summary>
    Tls12,

    /// <summary>RFC 8446.</summary>
    Tls13,
}

/// <summary>Whether clients are asked for a certificate.</summary>
public enum ClientCertificateMode
{
    /// <summary>No.</summary>
    None,

    /// <summary>Yes; one that is given must be valid.</summary>
    Optional,

    /// <summary>Yes; without a valid one the handshake fails.</summary>
    Required,
}

/// <summary>A certificate chain with its key, in PEM.</summary>
/// <param name="ChainPem">The leaf first.</param>
/// <param name="KeyPem">The leaf's private key, not encrypted.</param>
public sealed record TlsCertificate(string ChainPem, string KeyPem)
{
    /// <summary>Where the CA's word on it is found, to be shown to clients that ask; null for none.</summary>
    public OcspStaple? Staple { get; init; }
}

/// <summary>What a TLS server needs.</summary>
public sealed record TlsServerOptions
{
    /// <summary>Certificates; the first serves clients that name no server, or one that nobody has.</summary>
    public required IReadOnlyList<TlsCertificate> Certificates { get; init; }

    /// <summary>The oldest version taken. Default 1.2, as Mozilla's intermediate profile.</summary>
    public TlsMinVersion MinVersion { get; init; }

    /// <summary>Protocols offered by ALPN, best first. Default http/1.1.</summary>
    public IReadOnlyList<string> Alpn { get; init; } = ["http/1.1"];

    /// <summary>Ciphers by OpenSSL's names, best first; empty for Mozilla's intermediate profile.</summary>
    public IReadOnlyList<string> Ciphers { get; init; } = [];

    /// <summary>The keys of session tickets; null for OpenSSL's own, which no other context knows.</summary>
    public TicketKeys? Tickets { get; init; }

    /// <summary>The clock of staples.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>PEM of the CAs that client certificates must come from.</summary>
    public string? ClientCaPem { get; init; }

    /// <summary>Whether clients are asked for a certificate.</summary>
    public ClientCertificateMode ClientCertificates { get; init; }
}

/// <summary>TLS material that cannot be used; the message says what is wrong and how to mend it.</summary>
public sealed class TlsConfigurationException : Exception
{
    /// <summary>Makes one.</summary>
    public TlsConfigurationException()
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">The fault and the mend.</param>
    public TlsConfigurationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">The fault and the mend.</param>
    /// <param name="innerException">What lies behind.</param>
    public TlsConfigurationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
