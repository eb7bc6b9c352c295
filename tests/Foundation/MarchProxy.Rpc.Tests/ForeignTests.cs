using System.Diagnostics;
using Google.Protobuf;
using MarchProxy.Rpc.Client;

namespace MarchProxy.Rpc.Tests;

/// <summary>In both directions against Debian's grpcio.</summary>
public sealed class ForeignTests
{
    [Fact]
    public async Task Their_client_calls_our_server()
    {
        await using EchoService service = await EchoService.StartAsync();
        using Process peer = Start("call", service.Address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        string output = await peer.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        string errors = await peer.StandardError.ReadToEndAsync();
        Assert.True(output.Split('\n', StringSplitOptions.RemoveEmptyEntries) is { Length: 13 } lines && lines.All(l => l.StartsWith("ok ", StringComparison.Ordinal)), output + errors);
    }

    [Fact]
    public async Task Our_client_calls_their_server()
    {
        using Process peer = Start("serve");
        try
        {
            string? port = await peer.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
            using var channel = new RpcChannel(new Uri($"http://127.0.0.1:{port}"));
            await Calls.AllKindsAsync(channel);
            Assert.Equal(new string('z', 5000), (await channel.UnaryAsync(EchoService.Unary, new Say { Text = "gzip", Blob = ByteString.CopyFromUtf8(new string('z', 5000)) })).Blob.ToStringUtf8());
        }
        finally
        {
            peer.Kill();
            await peer.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "peer.py"), .. arguments])
    {
        UseShellExecute = false,
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
