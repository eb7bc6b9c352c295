using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Upstream;

/// <summary>HTTP clients towards upstreams for what does not run on the loops: one for each way of TLS, so that connections are never lent between them.</summary>
internal sealed class UpstreamClients : IDisposable
{
    private readonly ConcurrentDictionary<(string ServerName, string Ca, bool Skip), HttpMessageInvoker> _clients = new();

    /// <summary>The client for a service.</summary>
    /// <param name="service">The service.</param>
    /// <param name="serverName">The name that its certificate must have.</param>
    public HttpMessageInvoker For(Service service, string serverName)
    {
        if (service.Protocol != "https") return _clients.GetOrAdd(("", "", false), static _ => Make(null));
        ServiceTls tls = service.Tls ?? new ServiceTls();
        return _clients.GetOrAdd((serverName, tls.Ca, tls.InsecureSkipVerify), static (key, tls) => Make(Ssl(tls, key.ServerName)), tls);
    }

    /// <summary>A client for one request, whose connection begins with a header of its own and is nobody else's.</summary>
    public static HttpMessageInvoker ForOne(Service service, string serverName, byte[] header) =>
        Make(service.Protocol == "https" ? Ssl(service.Tls, serverName) : null, header);

    /// <summary>TLS towards a service, for clients of the framework.</summary>
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

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (HttpMessageInvoker client in _clients.Values) client.Dispose();
    }

    private static HttpMessageInvoker Make(SslClientAuthenticationOptions? ssl, byte[]? header = null)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = System.Net.DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
            ResponseDrainTimeout = TimeSpan.FromSeconds(2),
            MaxResponseHeadersLength = 64,
        };
        if (ssl is not null) handler.SslOptions = ssl;
        if (header is not null)
        {
            handler.ConnectCallback = async (context, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                    await socket.SendAsync(header, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        return new HttpMessageInvoker(handler);
    }
}
