using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Telemetry.Logs;
using MarchProxy.Tests;

namespace MarchProxy.Control.Tests.State;

/// <summary>The flows of the last 24 hours: gathered, kept, added up, forgotten, bounded.</summary>
public sealed class FlowBookTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("marchproxy-flows-").FullName;
    private readonly ManualTimeProvider _time = new();
    private IControlStore _store = null!;
    private FlowBook _book = null!;

    public async Task InitializeAsync()
    {
        _store = ControlStores.Open(new StoreOptions { File = Path.Combine(_folder, "m.db") });
        await _store.MigrateAsync();
        _book = NewBook();
    }

    public async Task DisposeAsync()
    {
        await _book.DisposeAsync();
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Hours_are_added_up_and_what_is_a_day_old_is_forgotten()
    {
        _book.Add("default", [Count("a.test", allowed: 2, mapping: "m")]);
        _time.Advance(TimeSpan.FromHours(3));
        _book.Add("default", [Count("a.test", denied: 1, reason: "no-mapping"), Count("b.test", reported: 4)]);
        _book.Add("other", [Count("a.test", allowed: 9)]);
        IReadOnlyList<(Flow Flow, StoredFlow Count)> all = await _book.LatestAsync("default");
        Assert.Equal(["a.test", "b.test"], all.Select(f => f.Flow.Host).Order());
        StoredFlow a = all.Single(f => f.Flow.Host == "a.test").Count;
        Assert.Equal((2, 1, 0, "no-mapping"), (a.Allowed, a.Denied, a.Reported, a.Reason));

        // Another manager on the same store sees the same.
        await using FlowBook second = NewBook();
        Assert.Equal(2, (await second.LatestAsync("default")).Count);

        _time.Advance(TimeSpan.FromHours(22));
        a = Assert.Single(await _book.LatestAsync("default"), f => f.Flow.Host == "a.test").Count;
        Assert.Equal((0, 1), (a.Allowed, a.Denied));
        _time.Advance(TimeSpan.FromHours(3));
        Assert.Empty(await _book.LatestAsync("default"));
    }

    [Fact]
    public async Task Times_that_cannot_be_are_now_and_counts_that_cannot_be_are_passed_over()
    {
        FlowCount future = Count("future.test", allowed: 1), past = Count("past.test", allowed: 1), negative = Count("negative.test", allowed: -1), broken = Count("x", allowed: 1);
        future.LastSeen = long.MaxValue;
        past.LastSeen = long.MinValue;
        broken.Flow = "nonsense";
        _book.Add("default", [future, past, negative, broken]);
        IReadOnlyList<(Flow Flow, StoredFlow Count)> all = await _book.LatestAsync("default");
        Assert.Equal(["future.test", "past.test"], all.Select(f => f.Flow.Host).Order());
        Assert.All(all, f => Assert.Equal(_time.GetUtcNow(), f.Count.LastSeen));
    }

    [Fact]
    public async Task Refusals_of_ever_new_names_leave_room_for_what_passes()
    {
        for (int i = 0; i < 30_000; i++) _book.Add("default", [Count($"n{i}.test", denied: 1)]);
        _book.Add("default", [Count("good.test", allowed: 1), Count("n1.test", denied: 5)]);
        Assert.Equal(20_000, _book.Lost);
        IReadOnlyList<(Flow Flow, StoredFlow Count)> all = await _book.LatestAsync("default");
        Assert.Equal(10_001, all.Count);
        Assert.Equal(1, all.Single(f => f.Flow.Host == "good.test").Count.Allowed);
        Assert.Equal(6, all.Single(f => f.Flow.Host == "n1.test").Count.Denied);
    }

    private FlowBook NewBook() => new(_store, _time, new ProcessLog(TextWriter.Null, json: false, LogLevel.Info, _time));

    private FlowCount Count(string host, long allowed = 0, long denied = 0, long reported = 0, string mapping = "", string reason = "none") => new()
    {
        Flow = new Flow("app", AuthType.Token, EgressProtocols.Https, host, 443).ToString(),
        Allowed = allowed,
        Denied = denied,
        Reported = reported,
        Mapping = mapping,
        Reason = reason,
        LastSeen = (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond,
    };
}
