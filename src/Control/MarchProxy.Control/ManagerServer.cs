using System.Net;
using System.Text.Json.Serialization;
using MarchProxy.Control.Api;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Control.Xds;
using MarchProxy.Model.Secrets;
using MarchProxy.Rpc.Server;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MarchProxy.Control;

/// <summary>How a manager is run.</summary>
public sealed record ManagerOptions
{
    /// <summary>Where the API listens.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Where planes get their configuration.</summary>
    public required IPEndPoint XdsListen { get; init; }

    /// <summary>PEM files of a certificate and key for both; null for plain HTTP.</summary>
    public (string Certificate, string Key)? Tls { get; init; }

    /// <summary>The store.</summary>
    public required StoreOptions Store { get; init; }

    /// <summary>Seals what is kept.</summary>
    public required SecretBox Box { get; init; }

    /// <summary>The first administrator's password; null for a random one.</summary>
    public string? AdminPassword { get; init; }

    /// <summary>The build's version.</summary>
    public required string Version { get; init; }
}

/// <summary>The manager as a server: REST, OpenAPI, discovery, health and metrics.</summary>
public sealed class ManagerServer : IAsyncDisposable
{
    private int _disposed;
    private readonly ManagerOptions _options;
    private readonly ProcessLog _log;
    private readonly MetricRegistry _metrics;
    private readonly TimeProvider _time;
    private readonly IControlStore _store;
    private readonly LoginLimiter _limiter = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly AdsHub _hub;
    private readonly AccessDesk _access;
    private readonly AccessTokens _tokens;
    private readonly Accounts _accounts;
    private WebApplication? _app;
    private Task _following = Task.CompletedTask;

    /// <summary>Makes a manager that serves nothing yet.</summary>
    /// <param name="options">How it is run.</param>
    /// <param name="metrics">Where it counts.</param>
    /// <param name="log">The process's log.</param>
    /// <param name="time">The clock.</param>
    public ManagerServer(ManagerOptions options, MetricRegistry metrics, ProcessLog log, TimeProvider time)
    {
        _options = options;
        _metrics = metrics;
        _log = log;
        _time = time;
        _store = ControlStores.Open(options.Store);
        Manager = new Manager(_store, options.Box, time, log);
        Keys = new ClusterKeys(_store, time);
        _tokens = new AccessTokens(options.Box.Derive("access tokens"), time);
        _accounts = new Accounts(_store, _tokens, time);
        Planes = new PlaneRegistry(_store, time, log);
        _hub = new AdsHub(Manager);
        _access = new AccessDesk(Manager, log);
    }

    /// <summary>The truth.</summary>
    public Manager Manager { get; }

    /// <summary>The API keys of clusters.</summary>
    public ClusterKeys Keys { get; }

    /// <summary>The data planes.</summary>
    public PlaneRegistry Planes { get; }

    /// <summary>The first administrator's password, when one was made; to be shown once.</summary>
    public string? FirstPassword { get; private set; }

    /// <summary>Where the API listens.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    /// <summary>Where planes get their configuration.</summary>
    public Uri XdsAddress { get; private set; } = new("http://127.0.0.1");

    /// <summary>Migrates, loads and serves.</summary>
    /// <exception cref="StoreException">The store cannot be used.</exception>
    /// <exception cref="IOException">An address cannot be had.</exception>
    public async Task StartAsync()
    {
        foreach (string migration in await _store.MigrateAsync()) _log.Info("migration applied", ("name", migration), ("store", _store.Description));
        await Manager.StartAsync();
        FirstPassword = await _accounts.EnsureAdminAsync(_options.AdminPassword);
        await Keys.LoadAsync();
        await Planes.LoadAsync();
        _access.Start();
        _app = Build();
        await _app.StartAsync();
        string[] urls = [.. _app.Urls];
        Address = new Uri(urls[0]);
        XdsAddress = new Uri(urls[1]);
        if (_options.Store.Type.StartsWith("postgres", StringComparison.Ordinal)) _following = FollowAsync(_stop.Token);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        await _stop.CancelAsync();
        await _following;
        if (_app is not null)
        {
            using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await _app.StopAsync(soon.Token);
            await _app.DisposeAsync();
        }

        await _access.DisposeAsync();
        _hub.Dispose();
        _limiter.Dispose();
        _stop.Dispose();
        await Manager.DisposeAsync();
    }

    private WebApplication Build()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = ResourceBody.MaxBytes + 1024;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(20);
            kestrel.Listen(_options.Listen, l => Listen(l, HttpProtocols.Http1AndHttp2));
            kestrel.Listen(_options.XdsListen, l => Listen(l, HttpProtocols.Http2));
        });
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
            json.SerializerOptions.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            json.SerializerOptions.MaxDepth = 32;
        });
        builder.Services.Configure<Microsoft.AspNetCore.Routing.RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        builder.Services.AddOpenApi("v1", OpenApiSetup.Configure);
        WebApplication app = builder.Build();
        app.UseMiddleware<ProblemMiddleware>(_log);
        app.UseRouting();
        app.Use((http, next) =>
        {
            Api.Authorization.Check(http, _tokens);
            return next(http);
        });
        Map(app);
        return app;
    }

    private void Map(WebApplication app)
    {
        new ResourceEndpoints(Manager).Map(app);
        new ApplyEndpoints(Manager).Map(app);
        new HistoryEndpoints(Manager).Map(app);
        new ExplainEndpoint(Manager).Map(app);
        new FlowEndpoint(Manager).Map(app);
        new AccessEndpoints(Manager, _access).Map(app);
        new UsageEndpoint(Manager).Map(app);
        new ProvisionEndpoints(Manager).Map(app);
        new PlaneEndpoints(Manager, Planes).Map(app);
        new AccountEndpoints(Manager, _accounts, Keys, _limiter).Map(app);
        app.MapOpenApi("/openapi/{documentName}.json").ForAnybody();
        app.MapGet("/api/docs", () => Results.Content(OpenApiSetup.DocsPage, "text/html; charset=utf-8")).ForAnybody().ExcludeFromDescription();
        app.MapGet("/healthz", () => Results.Json(new { status = "live", version = _options.Version })).ForAnybody().ExcludeFromDescription();
        app.MapGet("/readyz", () => Results.Json(new { status = "ready" })).ForAnybody().ExcludeFromDescription();
        app.MapGet("/metrics", Metrics).ForAnybody().ExcludeFromDescription();
        var ads = new AdsService(_hub, Planes, Keys, Manager.Flows, _access, _log);
        ads.Map(app);
        app.MapUnknownMethods().ForAnybody();
        _metrics.Observe("marchproxy_manager_streams", "Open discovery streams.", () => _hub.Count);
        _metrics.Observe("marchproxy_manager_pushes_total", "Configuration pushes sent.", () => ads.Pushes);
        _metrics.Observe("marchproxy_manager_pushes_answered_total", "Configuration pushes by the planes' answer.", "answer", () => [("ack", ads.Accepted), ("nack", ads.Refused)]);
        _metrics.Observe("marchproxy_manager_flows_lost_total", "Egress decisions left out of the flows, since their hour had too many different ones.", () => Manager.Flows.Lost);
        _metrics.Observe("marchproxy_manager_revision", "The revision of the store.", () => Manager.State.Revision);
    }

    private async Task Metrics(HttpContext http)
    {
        ExpositionFormat format = ExpositionFormats.FromAccept(http.Request.Headers.Accept.ToString());
        http.Response.ContentType = format.ContentType();
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        _metrics.Write(output, format);
        await http.Response.Body.WriteAsync(output.WrittenMemory, http.RequestAborted);
    }

    private void Listen(ListenOptions listen, HttpProtocols protocols)
    {
        listen.Protocols = protocols;
        if (_options.Tls is { } tls)
        {
            using var pem = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile(tls.Certificate, tls.Key);
            listen.UseHttps(System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadPkcs12(pem.Export(System.Security.Cryptography.X509Certificates.X509ContentType.Pkcs12), null));
        }
        else if (protocols == HttpProtocols.Http1AndHttp2)
        {
            listen.Protocols = HttpProtocols.Http1;
        }
    }

    /// <summary>Other managers may write to the same database: their edits are seen within a fraction of a second, their keys and planes within a second.</summary>
    private async Task FollowAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), _time);
        try
        {
            for (int tick = 1; await timer.WaitForNextTickAsync(cancellation); tick++)
            {
                try
                {
                    await Manager.RefreshAsync(cancellation);
                    if (tick % 10 != 0) continue;
                    await Keys.LoadAsync();
                    await Planes.LoadAsync();
                }
                catch (StoreException e)
                {
                    _log.Error("the store cannot be followed", ("fault", e.Message));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The manager stops.
        }
    }
}
