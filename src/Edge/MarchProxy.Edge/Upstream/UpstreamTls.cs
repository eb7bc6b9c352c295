using MarchProxy.Model.Resources;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Upstream;

/// <summary>TLS towards one upstream: connections under it are never lent to another.</summary>
/// <param name="Context">Trust, what is shown, and the protocols that the service is offered.</param>
/// <param name="Http1">The same for what must be HTTP/1.1; null when the service is offered HTTP/2 alone.</param>
/// <param name="ServerName">The name asked for and checked.</param>
internal sealed record UpstreamTls(TlsClientContext Context, TlsClientContext? Http1, string ServerName)
{
    /// <summary>Whether the service is offered HTTP/2.</summary>
    public bool OffersHttp2 => !ReferenceEquals(Context, Http1);
}

/// <summary>Keeps the TLS of upstreams from one configuration to the next, so that pooled connections and tickets outlive edits of something else.</summary>
internal sealed class UpstreamTlsCache
{
    private readonly Dictionary<Material, UpstreamTls> _known = [];

    /// <summary>The TLS of a service; null when it speaks none.</summary>
    /// <exception cref="EdgeConfigurationException">Its CA or certificate cannot be used.</exception>
    public UpstreamTls? For(Service service, string dialled, IReadOnlyDictionary<string, Certificate> certificates)
    {
        if (service.Protocol != "https") return null;
        ServiceTls tls = service.Tls ?? new ServiceTls();
        Certificate? shown = tls.Certificate.Length > 0 ? certificates[tls.Certificate] : null;
        var material = new Material(tls.ServerName.Length > 0 ? tls.ServerName : dialled, tls.Ca, tls.InsecureSkipVerify, shown?.Chain, shown?.Key, string.Join(',', tls.Alpn));
        if (_known.TryGetValue(material, out UpstreamTls? known)) return known;
        try
        {
            var options = new TlsClientOptions
            {
                CaPem = tls.Ca.Length > 0 ? tls.Ca : null,
                SkipVerification = tls.InsecureSkipVerify,
                Certificate = shown is null ? null : new TlsCertificate(shown.Chain, shown.Key),
            };
            bool two = tls.Alpn.IsEmpty || tls.Alpn.Contains("h2"), one = tls.Alpn.IsEmpty || tls.Alpn.Contains("http/1.1");
            TlsClientContext? http1 = one ? new TlsClientContext(options) : null;
            TlsClientContext offered = two ? new TlsClientContext(options with { Alpn = one ? ["h2", "http/1.1"] : ["h2"] }) : http1!;
            return _known[material] = new UpstreamTls(offered, http1, material.ServerName);
        }
        catch (TlsConfigurationException e)
        {
            throw new EdgeConfigurationException($"{service.Reference}: {e.Message}", e);
        }
    }

    /// <summary>Forgets what a configuration no longer has; connections that use it keep it alive.</summary>
    public void Keep(IReadOnlySet<UpstreamTls> used)
    {
        foreach ((Material material, UpstreamTls tls) in _known.ToArray())
        {
            if (!used.Contains(tls)) _known.Remove(material);
        }
    }

    private readonly record struct Material(string ServerName, string Ca, bool Skip, string? Chain, string? Key, string Alpn);
}
