using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MarchProxy.Control.State;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.Changes;

/// <summary>Certificates that would not work on a plane are refused where they are written.</summary>
internal static class CertificateCheck
{
    public static IEnumerable<Fault> Faults(IEnumerable<Entry> entries)
    {
        foreach (Certificate certificate in entries.Select(e => e.Resource).OfType<Certificate>())
        {
            if (Fault(certificate) is { } fault) yield return fault;
        }
    }

    private static Fault? Fault(Certificate certificate)
    {
        X509Certificate2 leaf;
        try
        {
            leaf = X509Certificate2.CreateFromPem(certificate.Chain);
        }
        catch (CryptographicException e)
        {
            return new Fault(certificate.Reference, "chain", "cannot be read: " + e.Message, "write the chain in PEM, the leaf first");
        }

        try
        {
            using X509Certificate2 pair = X509Certificate2.CreateFromPem(certificate.Chain, certificate.Key);
            return null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return new Fault(certificate.Reference, "key", $"does not belong to the certificate of {leaf.Subject}, or cannot be read", "write the private key of the leaf in PEM, without a password");
        }
        finally
        {
            leaf.Dispose();
        }
    }
}
