using System.Net;
using System.Net.Sockets;
using MarchProxy.Net.Dns;
using MarchProxy.Tests;

namespace MarchProxy.Net.Tests.Dns;

public class DnsResolverTests
{
    private readonly ManualTimeProvider _time = new();

    private DnsResolver Resolver(params IPEndPoint[] servers) => new(Options(servers));

    private DnsResolverOptions Options(params IPEndPoint[] servers) =>
        new() { Servers = servers, UseHostsFile = false, TimeProvider = _time };

    /// <summary>Addresses for A (192.0.2.1) and AAAA (2001:db8::1) of any name.</summary>
    private static Reply Right(byte[] query, uint ttl = 60) => Reply.To(query).Address(
        Reply.NameOf(query), Reply.TypeOf(query) == DnsType.A ? "192.0.2.1" : "2001:db8::1", ttl);

    private static Reply Wrong(byte[] query) => Reply.To(query).Address(
        Reply.NameOf(query), Reply.TypeOf(query) == DnsType.A ? "192.0.2.66" : "2001:db8::66");

    private static void AssertRight(ResolveResult result)
    {
        Assert.Equal(ResolveStatus.Ok, result.Status);
        Assert.Equal("2001:db8::1,192.0.2.1", string.Join(',', result.Addresses));
    }

    [Fact]
    public async Task Both_families_are_asked_and_kept()
    {
        await using var server = new FakeServer(asked => [Right(asked.Query).Build()]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        Assert.False(resolver.TryGetCached("www.example.com", out _));
        AssertRight(await resolver.ResolveAsync("www.example.com"));
        Assert.True(resolver.TryGetCached("WWW.Example.com", out ResolveResult? kept));
        AssertRight(kept);
        Assert.Equal("www.example.com", kept.Name);
        Assert.Equal((2, 1), (resolver.Queries, resolver.CacheHits));
    }

    [Fact]
    public async Task A_name_expires_with_its_shortest_record()
    {
        await using var server = new FakeServer(asked => [Right(asked.Query, Reply.TypeOf(asked.Query) == DnsType.A ? 10u : 60u).Build()]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        await resolver.ResolveAsync("a.example");
        _time.Advance(TimeSpan.FromSeconds(10) - TimeSpan.FromTicks(1));
        Assert.True(resolver.TryGetCached("a.example", out _));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.False(resolver.TryGetCached("a.example", out _));
        AssertRight(await resolver.ResolveAsync("a.example"));
        Assert.Equal(4, resolver.Queries);
    }

    [Fact]
    public async Task A_name_that_does_not_exist_is_kept_as_such()
    {
        await using var server = new FakeServer(asked => [Reply.To(asked.Query).Code(3).Soa("example", 30, 20).Build()]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        Assert.Equal(ResolveStatus.NotFound, (await resolver.ResolveAsync("no.example")).Status);
        _time.Advance(TimeSpan.FromSeconds(19.9));
        Assert.Equal(ResolveStatus.NotFound, (await resolver.ResolveAsync("no.example")).Status);
        Assert.Equal(2, resolver.Queries);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.False(resolver.TryGetCached("no.example", out _));
    }

    [Fact]
    public async Task A_spoofed_id_and_a_wrong_question_are_passed_over()
    {
        await using var server = new FakeServer(asked =>
        [
            [],
            Wrong(asked.Query).With(0, b => (byte)(b ^ 1)).Build(),
            Wrong(asked.Query).With(2, b => (byte)(b & 0x7F)).Build(),
            Wrong(asked.Query).With(13, b => (byte)(b ^ 1)).Build(),
            Right(asked.Query).Build(),
        ]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        AssertRight(await resolver.ResolveAsync("www.example.com"));
        Assert.Equal(2, server.Log.Count);
    }

    [Fact]
    public async Task An_answer_from_another_address_does_not_arrive()
    {
        using var intruder = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await using var server = new FakeServer(asked =>
        {
            intruder.SendTo(Wrong(asked.Query).Build(), asked.From);
            return [Right(asked.Query).Build()];
        });
        await using DnsResolver resolver = Resolver(server.EndPoint);
        AssertRight(await resolver.ResolveAsync("www.example.com"));
    }

    [Fact]
    public async Task Under_a_flood_of_guesses_TCP_is_asked()
    {
        await using var server = new FakeServer(asked => asked.Tcp
            ? [Right(asked.Query).Build()]
            : Enumerable.Repeat(Wrong(asked.Query).With(0, b => (byte)(b ^ 1)).Build(), 16));
        await using DnsResolver resolver = Resolver(server.EndPoint);
        AssertRight(await resolver.ResolveAsync("www.example.com"));
        Assert.Equal(2, server.Log.Count(a => a.Tcp));
    }

    [Fact]
    public async Task A_truncated_answer_is_fetched_over_TCP()
    {
        await using var server = new FakeServer(asked =>
            [asked.Tcp ? Right(asked.Query).Build() : Reply.To(asked.Query).Truncated().Build()]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        AssertRight(await resolver.ResolveAsync("big.example"));
        Assert.Equal(2, server.Log.Count(a => a.Tcp));
    }

    [Fact]
    public async Task A_server_that_loses_case_or_knows_no_EDNS_is_asked_more_plainly()
    {
        await using var server = new FakeServer(asked =>
        {
            // FORMERR to EDNS with nothing but a header; else an upper-case echo.
            if (asked.Query[11] != 0) return [[.. Reply.To(asked.Query).Code(1).With(5, _ => 0).Build().AsSpan(0, 12)]];
            byte[] reply = Right(asked.Query).Build();
            for (int i = 12; i < 12 + 12; i++) reply[i] = (byte)char.ToUpperInvariant((char)reply[i]);
            return [reply];
        });
        await using DnsResolver resolver = Resolver(server.EndPoint);
        AssertRight(await resolver.ResolveAsync("abcdefghijkl.example"));
    }

    [Fact]
    public async Task Aliases_are_followed_and_circles_fail()
    {
        await using var server = new FakeServer(asked => Reply.NameOf(asked.Query) == "loop.example"
            ? [Reply.To(asked.Query).Alias("loop.example", "b.example").Alias("b.example", "loop.example").Build()]
            : [Reply.To(asked.Query).Alias("a.example", "b.example")
                .Address("b.example", Reply.TypeOf(asked.Query) == DnsType.A ? "192.0.2.1" : "2001:db8::1").Build()]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        AssertRight(await resolver.ResolveAsync("a.example"));
        Assert.Equal(ResolveStatus.ServerFailure, (await resolver.ResolveAsync("loop.example")).Status);
        Assert.Equal(1, resolver.Failures);
    }

    [Fact]
    public async Task A_dead_server_costs_its_failure_once()
    {
        // A socket connected elsewhere keeps the port from others and lets the kernel refuse what arrives there.
        using var holder = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var dead = (IPEndPoint)holder.LocalEndPoint!;
        holder.Connect(dead);
        await using var server = new FakeServer(asked => [Right(asked.Query).Build()]);
        await using DnsResolver resolver = Resolver(dead, server.EndPoint);
        AssertRight(await resolver.ResolveAsync("a.example"));

        // The second family may start after the first has found the way already.
        long first = resolver.Queries;
        Assert.InRange(first, 3, 4);
        AssertRight(await resolver.ResolveAsync("b.example"));
        Assert.Equal(first + 2, resolver.Queries);
    }

    [Fact]
    public async Task Silence_is_a_timeout_that_is_kept_for_a_second()
    {
        await using var server = new FakeServer(_ => []);
        await using var resolver = new DnsResolver(Options(server.EndPoint) with { Attempts = 2 });
        ValueTask<ResolveResult> result = resolver.ResolveAsync("a.example");
        for (int attempt = 0; attempt < 2; attempt++)
        {
            await server.WaitForAsync(2);
            _time.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.Equal(ResolveStatus.Timeout, (await result).Status);
        Assert.Equal((4, 1), (resolver.Queries, resolver.Timeouts));
        Assert.True(resolver.TryGetCached("a.example", out _));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(resolver.TryGetCached("a.example", out _));
    }

    [Fact]
    public async Task One_family_alone_is_enough()
    {
        await using var server = new FakeServer(asked =>
            [Reply.TypeOf(asked.Query) == DnsType.A ? Right(asked.Query).Build() : Reply.To(asked.Query).Code(2).Build()]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        Assert.Equal("192.0.2.1", Assert.Single((await resolver.ResolveAsync("a.example")).Addresses).ToString());
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(resolver.TryGetCached("a.example", out _));
    }

    [Fact]
    public async Task Many_askers_share_one_flight_and_more_names_are_busy()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = new FakeServer(async asked =>
        {
            await gate.Task;
            return [Right(asked.Query).Build()];
        });
        await using var resolver = new DnsResolver(Options(server.EndPoint) with { MaxConcurrent = 1 });
        string[] names = ["a.example", "A.EXAMPLE"];
        Task<ResolveResult>[] askers = [.. Enumerable.Range(0, 20).Select(i => resolver.ResolveAsync(names[i % 2]).AsTask())];
        Assert.Equal(ResolveStatus.Busy, (await resolver.ResolveAsync("b.example")).Status);
        using var impatient = new CancellationTokenSource();
        Task<ResolveResult> left = resolver.ResolveAsync("a.example", impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        gate.SetResult();
        ResolveResult[] results = await Task.WhenAll(askers);
        AssertRight(results[0]);
        Assert.All(results, r => Assert.Same(results[0], r));
        Assert.Equal(2, resolver.Queries);
        AssertRight(await resolver.ResolveAsync("b.example"));
    }

    [Fact]
    public async Task Dispose_ends_what_is_under_way()
    {
        await using var server = new FakeServer(_ => []);
        DnsResolver resolver = Resolver(server.EndPoint);
        Task<ResolveResult> asker = resolver.ResolveAsync("a.example").AsTask();
        await server.WaitForAsync(2);
        await resolver.DisposeAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asker);
        await resolver.DisposeAsync();
    }

    [Fact]
    public async Task A_look_into_the_cache_allocates_nothing()
    {
        await using var server = new FakeServer(asked => [Right(asked.Query).Build()]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        await resolver.ResolveAsync("a.example");
        Look(1000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Look(1000);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Look(int times)
        {
            for (int i = 0; i < times; i++)
            {
                if (!resolver.TryGetCached("A.example", out _) || resolver.TryGetCached("b.example", out _))
                    throw new InvalidOperationException();
            }
        }
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("[2001:db8::7]", "2001:db8::7")]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1")]
    [InlineData("localhost", "::1,127.0.0.1")]
    [InlineData("LOCALHOST.", "::1,127.0.0.1")]
    [InlineData("a.b.localhost", "::1,127.0.0.1")]
    [InlineData("127.1", null)]
    [InlineData("0x7f000001", null)]
    [InlineData("2130706433", null)]
    [InlineData("010.0.0.1", null)]
    [InlineData("1.2.3.256", null)]
    [InlineData("[::1]:80", null)]
    [InlineData("[127.0.0.1]", null)]
    [InlineData("", null)]
    [InlineData("a b", null)]
    public async Task Addresses_and_local_names_need_no_server(string host, string? expected)
    {
        await using var server = new FakeServer(asked => [Reply.To(asked.Query).Code(5).Build()]);
        await using DnsResolver resolver = Resolver(server.EndPoint);
        ResolveResult result = await resolver.ResolveAsync(host);
        Assert.Equal(expected is null ? ResolveStatus.BadName : ResolveStatus.Ok, result.Status);
        Assert.Equal(expected ?? "", string.Join(',', result.Addresses));
        Assert.Empty(server.Log);
    }
}
