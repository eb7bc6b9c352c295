using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Health;

/// <summary>TLS of health checks, which run beside the loops.</summary>
internal static class HealthTls
{
    /// <summary>What a check's client trusts.</summary>
    public static SslClientAuthenticationOptions Ssl(ServiceTls? tls, string serverName)
    {
        var ssl = new SslClientAuthenticationOptions { TargetHost = tls is { ServerName.Length: > 0 } ? tls.ServerName : serverName };
        if (tls is { Ca.Length: > 0 })
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPem(tls.Ca);
            ssl.CertificateChainPolicy = policy;
        }

#pragma warning disable CA5359 // The operator has switched it off; a warning told him so.
        if (tls?.InsecureSkipVerify == true) ssl.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        return ssl;
    }
}
