using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MarchProxy.Net.Tls;

namespace MarchProxy.Net.Tests.Tls;

/// <summary>A CA of a test's own, and what it signs.</summary>
internal sealed class TestCa
{
    private readonly X509Certificate2 _ca;

    public TestCa(string name = "CN=test CA")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _ca = request.CreateSelfSigned(s_from, s_to);
    }

    private static readonly DateTimeOffset s_from = DateTimeOffset.UtcNow.AddDays(-10), s_to = DateTimeOffset.UtcNow.AddDays(10);

    public string Pem => _ca.ExportCertificatePem();

    /// <summary>A certificate for names and addresses.</summary>
    public TlsCertificate Issue(string[] names, bool expired = false, bool rsa = false)
    {
        using AsymmetricAlgorithm key = rsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = key is RSA r
            ? new CertificateRequest("CN=leaf", r, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest("CN=leaf", (ECDsa)key, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address)) san.AddIpAddress(address);
            else san.AddDnsName(name);
        }

        request.CertificateExtensions.Add(san.Build());
        using X509Certificate2 leaf = request.Create(
            _ca.SubjectName, X509SignatureGenerator.CreateForECDsa(_ca.GetECDsaPrivateKey()!), s_from, expired ? DateTimeOffset.UtcNow.AddDays(-1) : s_to, RandomNumberGenerator.GetBytes(8));
        string pem = key switch { RSA one => one.ExportPkcs8PrivateKeyPem(), ECDsa one => one.ExportPkcs8PrivateKeyPem(), _ => "" };
        return new TlsCertificate(leaf.ExportCertificatePem(), pem);
    }
}
