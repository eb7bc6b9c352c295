using MarchProxy.Model.Resources;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Tls;

/// <summary>Makes the TLS of listeners; what they share comes from here.</summary>
internal sealed class ListenerTlsFactory(TicketKeys tickets, OcspStapler stapler, TimeProvider time)
{
    /// <summary>The TLS of a listener; null when it speaks none.</summary>
    /// <exception cref="EdgeConfigurationException">Its material cannot be used.</exception>
    public TlsServerContext? Make(Listener listener, Certificate[] certificates)
    {
        if (listener.Tls is not { } tls) return null;
        try
        {
            return new TlsServerContext(new TlsServerOptions
            {
                Certificates = [.. certificates.Select(c => new TlsCertificate(c.Chain, c.Key) { Staple = stapler.For(c) })],
                Alpn = !tls.Alpn.IsEmpty ? tls.Alpn : listener.Purpose == ListenerPurpose.Ingress ? ["h2", "http/1.1"] : ["http/1.1"],
                MinVersion = tls.MinVersion == "1.3" ? TlsMinVersion.Tls13 : TlsMinVersion.Tls12,
                Ciphers = tls.Ciphers,
                ClientCaPem = tls.ClientCa,
                ClientCertificates = tls.ClientCa is null ? ClientCertificateMode.None : ClientCertificateMode.Required,
                Tickets = tickets,
                Time = time,
            });
        }
        catch (TlsConfigurationException e)
        {
            throw new EdgeConfigurationException($"{listener.Reference}: {e.Message}", e);
        }
    }
}
