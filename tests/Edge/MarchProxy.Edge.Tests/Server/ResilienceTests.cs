using System.Text;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Server;

/// <summary>Retries, hedging and circuit bounds, in front of origins that fail in their own ways.</summary>
public sealed class ResilienceTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";
    private const string Bad = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nbad";

    [Theory]
    [InlineData("gateway-error", "GET", "200")]
    [InlineData("5xx", "GET", "200")]
    [InlineData("\"503\"", "PUT", "200")]
    [InlineData("\"502\"", "GET", "503")]
    [InlineData("connect-failure", "GET", "503")]
    [InlineData("gateway-error", "POST", "503")]
    public async Task A_status_is_tried_again_where_it_is_listed_and_the_method_is_safe_to_repeat(string on, string method, string status)
    {
        int asked = 0;
        using ScriptedOrigin bad = Counting(Bad, () => asked++), good = ScriptedOrigin.Always(Ok, close: false);
        await using EdgeRig rig = await StartAsync(bad, good, $"retryOn: [{on}]");

        // The first address in turn is either one; whoever comes to the bad one first is what is looked at.
        string answer = "";
        for (int i = 0; i < 10 && asked == 0; i++) answer = await AskAsync(rig, method);
        Assert.StartsWith("HTTP/1.1 " + status, answer, StringComparison.Ordinal);
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task A_request_with_content_is_never_sent_twice()
    {
        int asked = 0;
        using ScriptedOrigin bad = Counting(Bad, () => asked++), good = Counting(Bad, () => asked++);
        await using EdgeRig rig = await StartAsync(bad, good, "retryOn: [5xx, reset]");
        await EdgeRig.AskAsync(rig.Web, "PUT / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab");
        Assert.Equal(1, asked);
        await AskAsync(rig, "PUT");
        Assert.Equal(4, asked);
    }

    [Fact]
    public async Task A_connection_that_breaks_is_tried_again_elsewhere()
    {
        int asked = 0;
        using ScriptedOrigin bad = Counting("", () => asked++), good = ScriptedOrigin.Always(Ok, close: false);
        await using EdgeRig rig = await StartAsync(bad, good, "retryOn: [reset]");
        for (int i = 0; i < 4; i++) Assert.EndsWith("good", await AskAsync(rig, "GET"), StringComparison.Ordinal);
        Assert.InRange(asked, 1, 4);
        Assert.Contains("marchproxy_upstream_retries_total " + asked, rig.Metrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_try_has_its_own_time_and_all_together_have_one()
    {
        using ScriptedOrigin slow = Silent(), other = Silent(), good = ScriptedOrigin.Always(Ok, close: false);
        await using EdgeRig rig = await StartAsync(slow, good, "retryOn: [timeout], tryTimeout: 100ms, timeout: 20s");
        for (int i = 0; i < 2; i++) Assert.EndsWith("good", await AskAsync(rig, "GET"), StringComparison.Ordinal);
        await using EdgeRig late = await StartAsync(slow, other, "retryOn: [timeout], tryTimeout: 300ms, timeout: 1s, retries: 10");
        Assert.StartsWith("HTTP/1.1 504", await AskAsync(late, "GET"), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => late.Lines.Any(l => System.Text.RegularExpressions.Regex.IsMatch(l, "\"status\":504.*\"retries\":[1-9]}")), () => string.Join('\n', late.Lines));
    }

    [Fact]
    public async Task A_slow_answer_is_asked_for_elsewhere_and_the_first_to_come_wins()
    {
        int asked = 0;
        using ScriptedOrigin slow = Silent(() => Interlocked.Increment(ref asked)), good = ScriptedOrigin.Always(Ok, close: false);
        await using EdgeRig rig = await StartAsync(slow, good, "hedge: { after: 50ms }, timeout: 20s");
        for (int i = 0; i < 4; i++) Assert.EndsWith("good", await AskAsync(rig, "GET"), StringComparison.Ordinal);
        Assert.InRange(asked, 1, 4);
        Assert.Contains($"marchproxy_hedged_requests_total{{winner=\"second\"}} {asked}", rig.Metrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_first_answer_that_comes_after_all_wins_over_a_second_that_does_not()
    {
        var release = new TaskCompletionSource();
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            while (await ScriptedOrigin.ReadHeadAsync(stream) is not null)
            {
                await release.Task;
                await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok));
            }
        });
        int second = 0;
        using ScriptedOrigin silent = Silent(() =>
        {
            Interlocked.Increment(ref second);
            release.TrySetResult();
        });
        await using EdgeRig rig = await StartAsync(origin, silent, "hedge: { after: 50ms }, timeout: 20s");
        for (int i = 0; i < 2; i++) Assert.EndsWith("good", await AskAsync(rig, "GET"), StringComparison.Ordinal);
        Assert.True(second > 0);
        Assert.Contains("marchproxy_hedged_requests_total{winner=", rig.Metrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_changes_something_is_not_hedged()
    {
        int asked = 0;
        using ScriptedOrigin one = Silent(() => Interlocked.Increment(ref asked)), two = Silent(() => Interlocked.Increment(ref asked));
        await using EdgeRig rig = await StartAsync(one, two, "hedge: { after: 20ms }, timeout: 400ms");
        Assert.StartsWith("HTTP/1.1 504", await AskAsync(rig, "DELETE"), StringComparison.Ordinal);
        Assert.Equal(1, asked);
        Assert.StartsWith("HTTP/1.1 504", await AskAsync(rig, "GET"), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => asked == 3);
    }

    [Fact]
    public async Task Above_the_requests_that_a_service_may_have_the_answer_is_503_at_once()
    {
        var release = new TaskCompletionSource();
        int asked = 0;
        using ScriptedOrigin origin = Gated(release.Task, () => Interlocked.Increment(ref asked));
        await using EdgeRig rig = await CircuitAsync(origin, "requests: 3");
        Task<string>[] busy = [.. Enumerable.Range(0, 3).Select(_ => AskAsync(rig, "GET"))];
        await Eventually.HoldsAsync(() => Volatile.Read(ref asked) == 3);
        string refused = await AskAsync(rig, "GET");
        Assert.StartsWith("HTTP/1.1 503", refused, StringComparison.Ordinal);
        Assert.Contains("X-MarchProxy-Reason: circuit-requests\r\n", refused, StringComparison.Ordinal);
        Assert.Contains("Retry-After: 1\r\n", refused, StringComparison.Ordinal);
        Assert.Contains("marchproxy_circuit_requests{service=\"origin\"} 3", rig.Metrics(), StringComparison.Ordinal);
        Assert.Contains("marchproxy_circuit_refused_total{circuit=\"origin requests\"} 1", rig.Metrics(), StringComparison.Ordinal);
        release.SetResult();
        Assert.All(await Task.WhenAll(busy), a => Assert.EndsWith("good", a, StringComparison.Ordinal));
        Assert.EndsWith("good", await AskAsync(rig, "GET"), StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_circuit_requests{service=\"origin\"} 0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Requests_wait_for_a_connection_in_line_and_none_is_opened_above_the_bound()
    {
        int open = 0, most = 0;
        using var origin = new ScriptedOrigin(async (stream, _) =>
        {
            int now = Interlocked.Increment(ref open);
            most = Math.Max(most, now);
            while (await ScriptedOrigin.ReadHeadAsync(stream) is not null)
            {
                await Task.Yield();
                await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok));
            }

            Interlocked.Decrement(ref open);
        });
        await using EdgeRig rig = await CircuitAsync(origin, "connections: 2");
        for (int round = 0; round < 5; round++)
        {
            string[] all = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => AskAsync(rig, "GET")));
            Assert.All(all, a => Assert.EndsWith("good", a, StringComparison.Ordinal));
        }

        // A connection may be seen closed by its other end a little later than it was: one more at most for each.
        Assert.InRange(most, 1, 4);
        string metrics = rig.Metrics();
        Assert.Contains("marchproxy_circuit_pending{service=\"origin\"} 0", metrics, StringComparison.Ordinal);
        Assert.Matches("marchproxy_circuit_connections\\{service=\"origin\"\\} [012]\n", metrics);
    }

    [Fact]
    public async Task Who_finds_the_line_full_is_told_and_who_leaves_it_takes_nothing()
    {
        var release = new TaskCompletionSource();
        int asked = 0;
        using ScriptedOrigin origin = Gated(release.Task, () => Interlocked.Increment(ref asked));
        await using EdgeRig rig = await CircuitAsync(origin, "connections: 1, pending: 1");
        Task<string> busy = AskAsync(rig, "GET");
        await Eventually.HoldsAsync(() => Volatile.Read(ref asked) == 1);
        using (var leaver = new System.Net.Sockets.TcpClient())
        {
            await leaver.ConnectAsync(rig.Web);
            await leaver.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"u8.ToArray());
            await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_circuit_pending{service=\"origin\"} 1", StringComparison.Ordinal));
            string refused = await AskAsync(rig, "GET");
            Assert.StartsWith("HTTP/1.1 503", refused, StringComparison.Ordinal);
            Assert.Contains("circuit-pending", refused, StringComparison.Ordinal);
        }

        release.SetResult();
        Assert.EndsWith("good", await busy, StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => rig.Metrics().Contains("marchproxy_circuit_pending{service=\"origin\"} 0", StringComparison.Ordinal));
        for (int i = 0; i < 5; i++) Assert.EndsWith("good", await AskAsync(rig, "GET"), StringComparison.Ordinal);
    }

    private static ScriptedOrigin Counting(string answer, Action count) => new(async (stream, _) =>
    {
        while (await ScriptedOrigin.ReadHeadAsync(stream) is not null)
        {
            count();
            if (answer.Length == 0) return;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
        }
    });

    private static ScriptedOrigin Silent(Action? asked = null) => new(async (stream, _) =>
    {
        while (await ScriptedOrigin.ReadHeadAsync(stream) is not null) asked?.Invoke();
    });

    private static ScriptedOrigin Gated(Task gate, Action asked) => new(async (stream, _) =>
    {
        while (await ScriptedOrigin.ReadHeadAsync(stream) is not null)
        {
            asked();
            await gate;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok));
        }
    });

    private static Task<EdgeRig> CircuitAsync(ScriptedOrigin origin, string circuit) => EdgeRig.StartAsync($$"""
        services:
          - { name: origin, addresses: [127.0.0.1], ports: "{{origin.Port}}", circuit: { {{circuit}} } }
        routes:
          - { name: all, backends: [origin] }
        listeners:
          - { name: web, port: 0, purpose: ingress }
        """);

    private static Task<EdgeRig> StartAsync(ScriptedOrigin one, ScriptedOrigin two, string feature) => EdgeRig.StartAsync($$"""
        services:
          - { name: one, addresses: [127.0.0.1], ports: "{{one.Port}}", outlier: { failures: 0 } }
          - { name: two, addresses: [127.0.0.1], ports: "{{two.Port}}", outlier: { failures: 0 } }
        routes:
          - { name: all, backends: [one, two], {{feature}} }
        listeners:
          - { name: web, port: 0, purpose: ingress }
        """);

    private static Task<string> AskAsync(EdgeRig rig, string method) => EdgeRig.AskAsync(rig.Web, $"{method} / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
}
