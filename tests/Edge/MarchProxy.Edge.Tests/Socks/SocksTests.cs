using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Edge.Tests.Server;

namespace MarchProxy.Edge.Tests.Socks;

/// <summary>SOCKS5 byte by byte: datagrams, refusals, and what no client should send.</summary>
public sealed class SocksTests : IAsyncLifetime
{
    private readonly UdpClient _origin = new(new IPEndPoint(IPAddress.Loopback, 0));
    private EdgeRig _rig = null!;

    private int Port => ((IPEndPoint)_origin.Client.LocalEndPoint!).Port;

    public async Task InitializeAsync() => _rig = await EdgeRig.StartAsync(Yaml("a"), new EdgeSettings { Loops = 2, RequestHeadMs = 2_000 });

    public async Task DisposeAsync()
    {
        _origin.Dispose();
        await _rig.DisposeAsync();
    }

    [Fact]
    public async Task Datagrams_go_to_what_is_allowed_and_come_back_wrapped()
    {
        using TcpClient control = await OpenAsync();
        byte[] reply = await AskAsync(control, [5, 3, 0, 1, 0, 0, 0, 0, 0, 0], 10);
        Assert.Equal([5, 0, 0, 1, 127, 0, 0, 1], reply[..8]);
        using var client = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        client.Connect(IPAddress.Loopback, BinaryPrimitives.ReadUInt16BigEndian(reply.AsSpan(8)));
        byte[] header = [0, 0, 0, 3, 9, .. Encoding.ASCII.GetBytes("echo.test"), (byte)(Port >> 8), (byte)Port];
        await client.SendAsync(Join(header, "hello"));
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        UdpReceiveResult got = await _origin.ReceiveAsync(soon.Token);
        Assert.Equal("hello", Encoding.ASCII.GetString(got.Buffer));
        await _origin.SendAsync("world"u8.ToArray(), got.RemoteEndPoint);
        Assert.Equal(Join(header, "world"), (await client.ReceiveAsync(soon.Token)).Buffer);

        // Fragments, nonsense, another destination and another sender go nowhere.
        await client.SendAsync(Join([0, 0, 1, .. header[3..]], "fragment"));
        await client.SendAsync((byte[])[0, 0, 0, 9, 9]);
        await client.SendAsync(Join([0, 0, 0, 1, 127, 0, 0, 1, (byte)(Port >> 8), (byte)Port], "address"));
        using var stranger = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        stranger.Connect((IPEndPoint)client.Client.RemoteEndPoint!);
        await stranger.SendAsync(Join(header, "stranger"));
        await client.SendAsync(Join(header, "last"));
        Assert.Equal("last", Encoding.ASCII.GetString((await _origin.ReceiveAsync(soon.Token)).Buffer));

        // An edit that forbids it is obeyed by the next datagram.
        await _rig.ApplyAsync(Yaml("nobody"));
        await client.SendAsync(Join(header, "forbidden"));
        await MarchProxy.Tests.Eventually.HoldsAsync(() => _rig.Lines.Any(l => l.Contains("socks-udp", StringComparison.Ordinal) && l.Contains("no-mapping", StringComparison.Ordinal)), () => string.Join('\n', _rig.Lines));
        Assert.Equal(0, _origin.Available);
    }

    [Theory]
    [InlineData(new byte[] { 5, 1, 0, 5, 2, 0, 1, 127, 0, 0, 1, 0, 80 }, 7)]
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 9, 127, 0, 0, 1, 0, 80 }, 8)]
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80 }, 2)]
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 0 }, 2)]
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1, 0, 80 }, 2)]
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 3, 3, 97, 47, 98, 0, 80 }, 2)]
    [InlineData(new byte[] { 5, 1, 0, 5, 1, 0, 3, 0, 0, 80 }, 8)]
    public async Task Refusals_have_their_codes(byte[] sent, byte code)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPEndPoint.Parse(_rig.Server.Listeners["forward"]));
        await client.GetStream().WriteAsync(sent);
        byte[] answer = new byte[12];
        await client.GetStream().ReadExactlyAsync(answer);
        Assert.Equal([5, 0, 5, code], answer[..4]);
    }

    [Fact]
    public async Task Nonsense_and_silence_end_the_connection()
    {
        var random = new Random(4);
        for (int i = 0; i < 300; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPEndPoint.Parse(_rig.Server.Listeners["forward"]));
            byte[] bytes = new byte[random.Next(1, 40)];
            random.NextBytes(bytes);
            bytes[0] = 5;
            NetworkStream stream = client.GetStream();
            await stream.WriteAsync(bytes);
            using var all = new MemoryStream();
            try
            {
                client.Client.Shutdown(SocketShutdown.Send);
                await stream.CopyToAsync(all, new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // A reset is an end too.
            }
        }

        using TcpClient silent = await OpenAsync();
        Assert.Equal(0, await silent.GetStream().ReadAsync(new byte[1]));
        await MarchProxy.Tests.Eventually.HoldsAsync(() => _rig.Lines.Any(l => l.Contains("request-head-timeout", StringComparison.Ordinal)), () => string.Join('\n', _rig.Lines.TakeLast(5)));
    }

    private string Yaml(string source) => $$"""
        services:
          - { name: a, addresses: [127.0.0.1] }
          - { name: nobody, addresses: [192.0.2.1] }
          - { name: echo, addresses: [echo.test], resolve: { echo.test: [127.0.0.1] }, allowAddresses: [127.0.0.0/8] }
        mappings:
          - { name: to-echo, sources: [{{source}}], destinations: [echo], protocols: [udp], ports: "{{Port}}" }
        listeners:
          - { name: forward, port: 0, purpose: forward-proxy }
        """;

    private static byte[] Join(byte[] header, string payload) => [.. header, .. Encoding.ASCII.GetBytes(payload)];

    private async Task<TcpClient> OpenAsync()
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPEndPoint.Parse(_rig.Server.Listeners["forward"]));
        Assert.Equal([5, 0], await AskAsync(client, [5, 1, 0], 2));
        return client;
    }

    private static async Task<byte[]> AskAsync(TcpClient client, byte[] bytes, int answer)
    {
        await client.GetStream().WriteAsync(bytes);
        byte[] read = new byte[answer];
        await client.GetStream().ReadExactlyAsync(read);
        return read;
    }
}
