using MarchProxy.Rpc.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MarchProxy.Rpc.Tests;

/// <summary>A server of ours with a method of each kind.</summary>
internal sealed class EchoService : IAsyncDisposable
{
    public static readonly RpcMethod<Say, Say> Unary = new("echo.Echo", "Unary", Say.Parser, Say.Parser);
    public static readonly RpcMethod<Say, Say> Many = new("echo.Echo", "Many", Say.Parser, Say.Parser);
    public static readonly RpcMethod<Say, Say> Sum = new("echo.Echo", "Sum", Say.Parser, Say.Parser);
    public static readonly RpcMethod<Say, Say> Chat = new("echo.Echo", "Chat", Say.Parser, Say.Parser);
    public static readonly RpcMethod<Say, Say> None = new("echo.Echo", "None", Say.Parser, Say.Parser);

    private readonly WebApplication _app;
    private int _cancelled;

    private EchoService(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.First());

    public int Cancelled => Volatile.Read(ref _cancelled);

    public static async Task<EchoService> StartAsync(bool gzip = true)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        WebApplication app = builder.Build();
        var service = new EchoService(app);
        var options = new RpcServerOptions { Gzip = gzip };
        app.MapUnary(Unary, service.AnswerAsync, options);
        app.MapServerStream(Many, async (say, writer, _) =>
        {
            for (int i = 0; i < say.Number; i++) await writer.WriteAsync(new Say(say) { Number = i });
        });
        app.MapClientStream(Sum, async (all, _) =>
        {
            int sum = 0;
            await foreach (Say say in all) sum += say.Number;
            return new Say { Text = "sum", Number = sum };
        });
        app.MapDuplex(Chat, async (all, writer, _) =>
        {
            await foreach (Say say in all) await writer.WriteAsync(new Say(say) { Text = "re: " + say.Text });
        });
        app.MapUnknownMethods();
        await app.StartAsync();
        return service;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task<Say> AnswerAsync(Say say, RpcServerCall call)
    {
        switch (say.Text)
        {
            case "fail":
                call.SetTrailer("why", "because");
                throw new RpcException(RpcCode.FailedPrecondition, "nicht möglich: 100%");
            case "defect":
                throw new InvalidOperationException("a secret of the server");
            case "slow":
                try
                {
                    await Task.Delay(Timeout.Infinite, call.Cancellation);
                }
                finally
                {
                    Interlocked.Increment(ref _cancelled);
                }

                return say;
            case "cancelled?":
                return new Say { Number = Cancelled };
            default:
                return new Say(say) { Text = say.Text + call.Header("suffix"), Number = say.Number + (call.BinaryHeader("raw-bin")?.Length ?? 0) };
        }
    }
}
