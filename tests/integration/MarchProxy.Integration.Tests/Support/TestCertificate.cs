using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MarchProxy.Integration.Support;

/// <summary>Self-signed certificates as files.</summary>
internal static class TestCertificate
{
    /// <summary>Writes NAME.pem and NAME.key.</summary>
    public static void Write(TempFolder folder, string name, string host)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + host, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(2));
        folder.Write(name + ".pem", certificate.ExportCertificatePem());
        folder.Write(name + ".key", key.ExportPkcs8PrivateKeyPem());
    }
}
