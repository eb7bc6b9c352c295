using MarchProxy.Edge.Kestrel;
using MarchProxy.Edge.Upstream;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace MarchProxy.Edge.Http2;

/// <summary>HTTP/2 from clients: Kestrel's sessions on connections that the loops have accepted, under the same routes and rules as HTTP/1.1.</summary>
internal sealed class Http2Server : IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly UpstreamClients _clients = new();

    public Http2Server(LoopTransport transport)
    {
        var kestrel = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;

        // 100 streams, as nginx and RFC 9113 section 6.5.2 recommend; 64 KB of header fields, as HTTP/1.1 on the loops.
        kestrel.Limits.Http2.MaxStreamsPerConnection = 100;
        kestrel.Limits.MaxRequestHeadersTotalSize = 64 << 10;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 1 << 20;
        kestrel.Limits.Http2.InitialStreamWindowSize = 256 << 10;
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(75);
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(60);
        kestrel.Listen(transport.HandOverPoint, listen => listen.Protocols = HttpProtocols.Http2);
        Transport = transport;
        _server = new KestrelServer(Options.Create(kestrel), transport, NullLoggerFactory.Instance);
    }

    /// <summary>Takes connections from the loops.</summary>
    public LoopTransport Transport { get; }

    public Task StartAsync() => _server.StartAsync(new Http2Application(_clients), CancellationToken.None);

    /// <summary>Tells clients to go (GOAWAY), and waits for what is under way.</summary>
    public Task StopAsync(CancellationToken cancellation) => _server.StopAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
        _clients.Dispose();
    }
}
