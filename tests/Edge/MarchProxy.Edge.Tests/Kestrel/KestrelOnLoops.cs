using System.Net;
using MarchProxy.Edge.Kestrel;
using MarchProxy.Net.Loop;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace MarchProxy.Edge.Tests.Kestrel;

/// <summary>A Kestrel on two loops that runs a delegate.</summary>
internal sealed class KestrelOnLoops : IHttpApplication<HttpContext>, IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly RequestDelegate _application;
    private readonly List<Exception> _unhandled = [];

    private KestrelOnLoops(RequestDelegate application, LoopTransportOptions? options)
    {
        _application = application;
        foreach (EventLoop loop in Group.Loops) loop.OnUnhandled = _unhandled.Add;
        Group.Start();
        Transport = new LoopTransport(Group.Loops, options);
    }

    public LoopGroup Group { get; } = new(2);

    public LoopTransport Transport { get; }

    public KestrelServer Server { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public static async Task<KestrelOnLoops> StartAsync(
        RequestDelegate application, HttpProtocols protocols = HttpProtocols.Http1, LoopTransportOptions? options = null, EndPoint? at = null)
    {
        var host = new KestrelOnLoops(application, options);
        var kestrel = new KestrelServerOptions();
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Listen(at ?? new IPEndPoint(IPAddress.Loopback, 0), o => o.Protocols = protocols);
        host.Server = new KestrelServer(Options.Create(kestrel), host.Transport, NullLoggerFactory.Instance);
        await host.Server.StartAsync(host, CancellationToken.None);
        string first = host.Server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();
        host.Address = new Uri(at is null ? first : "http://unix/");
        return host;
    }

    public static HttpClient Client(Version version) => new(new SocketsHttpHandler { UseProxy = false })
    {
        DefaultRequestVersion = version,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = Patience,
    };

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public Task ProcessRequestAsync(HttpContext context)
    {
        Assert.Null(EventLoop.Current);
        return _application(context);
    }

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await Server.StopAsync(soon.Token).WaitAsync(Patience);
        Server.Dispose();
        Group.Dispose();
        Assert.Empty(_unhandled);
    }
}
