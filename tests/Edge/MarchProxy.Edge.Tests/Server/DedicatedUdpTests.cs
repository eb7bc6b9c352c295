using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>UDP through dedicated listeners and mappings' own ports, in front of an echoing origin.</summary>
public sealed class DedicatedUdpTests : IAsyncDisposable
{
    private readonly UdpClient _origin = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _echo;
    private int _seen;

    public DedicatedUdpTests() => _echo = EchoAsync();

    private int OriginPort => ((IPEndPoint)_origin.Client.LocalEndPoint!).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _echo;
        _origin.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Each_client_gets_its_own_answers_whole()
    {
        await using EdgeRig rig = await EdgeRig.StartAsync(Yaml("udp"));
        var edge = IPEndPoint.Parse(rig.Server.Listeners["mapping:clock"]);
        using var first = new UdpClient("127.0.0.1", edge.Port);
        using var second = new UdpClient("127.0.0.1", edge.Port);
        foreach (int size in new[] { 0, 1, 1400, 60_000 })
        {
            byte[] one = RandomNumberGenerator.GetBytes(size), two = RandomNumberGenerator.GetBytes(size + 1);
            await first.SendAsync(one);
            await second.SendAsync(two);
            Assert.Equal(one, await ReceiveAsync(first));
            Assert.Equal(two, await ReceiveAsync(second));
        }

        await rig.Server.DrainAsync();
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Count == 2, () => string.Join('\n', rig.Lines));
        Assert.All(rig.Lines, line => Assert.Contains("\"kind\":\"udp\"", line, StringComparison.Ordinal));
        Assert.All(rig.Lines, line => Assert.Contains("\"rule\":\"clock\"", line, StringComparison.Ordinal));
        Assert.Contains("marchproxy_udp_datagrams_total{direction=\"in\"} 8", rig.Metrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_may_not_reaches_nobody_and_is_told_of_once()
    {
        await using EdgeRig rig = await EdgeRig.StartAsync(
            Yaml("udp").Replace("sources: [lan]", "sources: [clock]", StringComparison.Ordinal), new EdgeSettings { Loops = 1, UdpIdleMs = 50 });
        using var client = new UdpClient("127.0.0.1", IPEndPoint.Parse(rig.Server.Listeners["mapping:clock"]).Port);
        for (int i = 0; i < 5; i++) await client.SendAsync(new byte[] { 1 });
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Count >= 1, () => rig.Metrics());
        Assert.Contains("\"reason\":\"no-mapping\"", rig.Lines[0], StringComparison.Ordinal);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_udp_dropped_datagrams_total{reason=\"denied\"} 5", StringComparison.Ordinal), () => rig.Metrics());
        Assert.Single(rig.Lines);
        Assert.Equal(0, _seen);
    }

    [Fact]
    public async Task A_configuration_that_no_longer_allows_a_flow_ends_it()
    {
        await using EdgeRig rig = await EdgeRig.StartAsync(Yaml("udp"));
        using var client = new UdpClient("127.0.0.1", IPEndPoint.Parse(rig.Server.Listeners["mapping:clock"]).Port);
        await client.SendAsync(new byte[] { 1 });
        await ReceiveAsync(client);
        await rig.ApplyAsync(Yaml("udp").Replace("effect: allow", "effect: deny", StringComparison.Ordinal));
        await client.SendAsync(new byte[] { 2 });
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_udp_dropped_datagrams_total{reason=\"denied\"} 1", StringComparison.Ordinal), rig.Metrics);
        Assert.Equal(1, _seen);
    }

    [Fact]
    public async Task A_quiet_flow_ends_and_a_dead_origin_is_told()
    {
        await using EdgeRig rig = await EdgeRig.StartAsync(Yaml("udp"), new EdgeSettings { Loops = 1, UdpIdleMs = 60 });
        using var client = new UdpClient("127.0.0.1", IPEndPoint.Parse(rig.Server.Listeners["mapping:clock"]).Port);
        await client.SendAsync(new byte[] { 1 });
        await ReceiveAsync(client);
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Count == 1, rig.Metrics);
        Assert.DoesNotContain("\"reason\"", rig.Lines[0], StringComparison.Ordinal);
        _origin.Close();
        await client.SendAsync(new byte[] { 1 });
        await MarchProxy.Tests.Eventually.HoldsAsync(() => rig.Lines.Count == 2, rig.Metrics);
        Assert.Contains("\"reason\":\"upstream-connection-refused\"", rig.Lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_is_told_before_anything_changes()
    {
        EdgeConfigurationException fault = await Assert.ThrowsAsync<EdgeConfigurationException>(async () =>
        {
            await using EdgeRig rig = await EdgeRig.StartAsync(Yaml("udp").Replace("port: 0", $"port: {OriginPort}", StringComparison.Ordinal));
        });
        Assert.Contains("another process listens", fault.Message, StringComparison.Ordinal);
    }

    private string Yaml(string protocol) => $$"""
        services:
          - { name: lan, addresses: [127.0.0.0/8] }
          - { name: clock, addresses: [127.0.0.1], allowAddresses: [127.0.0.1], ports: "{{OriginPort}}", protocol: udp, auth: { type: mtls } }
        mappings:
          - { name: clock, sources: [lan], destinations: [clock], protocols: [{{protocol}}], effect: allow, listen: { port: 0, protocol: {{protocol}} } }
        """;

    private async Task EchoAsync()
    {
        try
        {
            while (true)
            {
                UdpReceiveResult received = await _origin.ReceiveAsync(_stop.Token);
                Interlocked.Increment(ref _seen);
                await _origin.SendAsync(received.Buffer, received.RemoteEndPoint, _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
        }
    }

    private static async Task<byte[]> ReceiveAsync(UdpClient client)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return (await client.ReceiveAsync(timeout.Token)).Buffer;
    }
}
