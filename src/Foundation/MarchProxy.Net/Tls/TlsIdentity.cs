using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace MarchProxy.Net.Tls;

/// <summary>What a verified client certificate says it is: URIs and DNS names of its subject alternative name (SPIFFE's X.509-SVID section 2 among them), and only when it has neither, its common name.</summary>
/// <param name="Names">The names.</param>
public sealed record TlsIdentity(IReadOnlyList<string> Names)
{
    /// <summary>Whether it is one of those named.</summary>
    /// <param name="names">Names, in any case.</param>
    public bool IsOneOf(IReadOnlyList<string> names) => Names.Any(n => names.Contains(n, StringComparer.OrdinalIgnoreCase));

    /// <summary>Reads the client's certificate after the handshake, which has verified it; null when there is none.</summary>
    /// <param name="session">The session, established.</param>
    public static TlsIdentity? Of(TlsSession session)
    {
        using X509Certificate2? certificate = session.GetPeerCertificate();
        if (certificate is null) return null;
        var names = new List<string>();
        foreach (X509Extension extension in certificate.Extensions)
        {
            if (extension.Oid?.Value != "2.5.29.17") continue;
            var reader = new AsnReader(extension.RawData, AsnEncodingRules.DER);
            AsnReader sequence = reader.ReadSequence();
            while (sequence.HasData)
            {
                Asn1Tag tag = sequence.PeekTag();

                // GeneralName (RFC 5280 section 4.2.1.6): dNSName [2], uniformResourceIdentifier [6].
                if (tag.TagValue is 2 or 6) names.Add(sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag));
                else sequence.ReadEncodedValue();
            }
        }

        if (names.Count == 0 && certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) is { Length: > 0 } common) names.Add(common);
        return new TlsIdentity(names);
    }
}
