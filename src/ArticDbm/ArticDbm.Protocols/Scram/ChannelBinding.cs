using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ArticDbm.Protocols.Scram;

/// <summary>What binds a log-in to the TLS connection that it is done over.</summary>
public static class ChannelBinding
{
    /// <summary>
    /// tls-server-end-point (RFC 5929 section 4.1): the server's certificate, hashed by the hash of its signature, and by SHA-256 where that is MD5 or SHA-1.
    /// </summary>
    /// <param name="certificate">The server's certificate.</param>
    /// <returns>The hash; null for signatures that have none by themselves (Ed25519, RSASSA-PSS), for which nothing is defined.</returns>
    public static byte[]? TlsServerEndPoint(X509Certificate2 certificate) => certificate.SignatureAlgorithm.Value switch
    {
        // md5WithRSA, sha1WithRSA, sha256WithRSA, ecdsa-with-SHA1, ecdsa-with-SHA256
        "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" or "1.2.840.113549.1.1.11" or "1.2.840.10045.4.1" or "1.2.840.10045.4.3.2" => SHA256.HashData(certificate.RawData),
        "1.2.840.113549.1.1.12" or "1.2.840.10045.4.3.3" => SHA384.HashData(certificate.RawData),
        "1.2.840.113549.1.1.13" or "1.2.840.10045.4.3.4" => SHA512.HashData(certificate.RawData),
        _ => null,
    };
}
