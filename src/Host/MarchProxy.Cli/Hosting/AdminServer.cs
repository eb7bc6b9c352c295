using System.Text.Json;
using MarchProxy.Edge;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Telemetry.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MarchProxy.Cli.Hosting;

/// <summary>/healthz, /readyz and /metrics of an edge process.</summary>
internal sealed class AdminServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private AdminServer(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public string Endpoint { get; private init; } = "";

    /// <summary>Starts it; null, with the reason logged, when its address cannot be had.</summary>
    public static async Task<AdminServer?> StartAsync(string listen, EdgeServer edge, MetricRegistry metrics, ProcessLog log)
    {
        if (!System.Net.IPEndPoint.TryParse(listen, out System.Net.IPEndPoint? endpoint))
        {
            log.Error("--admin-listen is not ADDRESS:PORT", ("given", listen));
            return null;
        }

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 256;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(endpoint);
        });
        WebApplication app = builder.Build();
        long started = Environment.TickCount64;
        app.Run(context => AnswerAsync(context, edge, metrics, started));
        try
        {
            await app.StartAsync();
        }
        catch (IOException e)
        {
            log.Error("the admin address cannot be had; choose another with --admin-listen", ("address", listen), ("fault", e.Message));
            await app.DisposeAsync();
            return null;
        }

        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new AdminServer(app) { Endpoint = new Uri(address).Authority };
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static Task AnswerAsync(HttpContext context, EdgeServer edge, MetricRegistry metrics, long started)
    {
        switch (context.Request.Path.Value)
        {
            case "/healthz":
                return JsonAsync(context, 200, new { status = "ok", version = BuildVersion.Text, uptimeSeconds = (Environment.TickCount64 - started) / 1000, config = edge.Version });
            case "/readyz":
                string state = edge.IsReady ? "ready" : edge.IsDraining ? "draining" : "starting";
                return JsonAsync(context, edge.IsReady ? 200 : 503, new { status = state, listeners = edge.Listeners });
            case "/metrics":
                ExpositionFormat format = ExpositionFormats.FromAccept(context.Request.Headers.Accept);
                context.Response.ContentType = format.ContentType();
                metrics.Write(context.Response.BodyWriter, format);
                return context.Response.BodyWriter.FlushAsync().AsTask();
            default:
                return JsonAsync(context, 404, new { status = 404, title = "Not Found", detail = "There are /healthz, /readyz and /metrics." });
        }
    }

    private static Task JsonAsync<T>(HttpContext context, int status, T body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, body);
    }
}
