using MarchProxy.Edge.Kestrel;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace MarchProxy.Edge.Admin;

/// <summary>
/// The admin port of a role: <c>/healthz</c>, <c>/readyz</c> and <c>/metrics</c>. A bare Kestrel on the loops, without host or container: it
/// costs little memory and its application code never runs on a loop.
/// </summary>
public sealed class AdminServer : IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly AdminApplication _application;

    /// <summary>Makes a server; <see cref="StartAsync"/> opens its port.</summary>
    /// <param name="transport">The loops it sits on.</param>
    /// <param name="options">What it serves, and where.</param>
    /// <param name="loggers">Where Kestrel logs; nowhere by default.</param>
    public AdminServer(LoopTransport transport, AdminOptions options, ILoggerFactory? loggers = null)
    {
        var kestrel = new KestrelServerOptions { AddServerHeader = false };

        // Scrapers and probes: few, small and without bodies.
        kestrel.Limits.MaxConcurrentConnections = 1_024;
        kestrel.Limits.MaxRequestBodySize = 64 << 10;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Listen(options.Listen, listen => listen.Protocols = HttpProtocols.Http1);
        _server = new KestrelServer(Options.Create(kestrel), transport, loggers ?? NullLoggerFactory.Instance);
        _application = new AdminApplication(options);
    }

    /// <summary>The URL it answers on, once started: with the port that the kernel chose when zero was asked.</summary>
    public Uri? Address { get; private set; }

    /// <summary>Opens the port.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The address is in use, not ours, or not permitted.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _server.StartAsync(_application, cancellationToken);
        Address = _server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() is { } first && Uri.TryCreate(first, UriKind.Absolute, out Uri? uri)
            ? uri
            : null;
    }

    /// <summary>Stops accepting, lets requests under way end, and closes.</summary>
    /// <param name="cancellationToken">Cuts the waiting short.</param>
    public Task StopAsync(CancellationToken cancellationToken = default) => _server.StopAsync(cancellationToken);

    /// <summary>Stops without waiting for requests under way.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
    }
}
