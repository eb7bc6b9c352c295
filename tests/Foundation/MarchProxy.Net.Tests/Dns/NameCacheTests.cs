using MarchProxy.Net.Dns;
using MarchProxy.Tests;

namespace MarchProxy.Net.Tests.Dns;

public class NameCacheTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly ManualTimeProvider _time = new();

    private static ResolveResult Result(string name) => new(name, ResolveStatus.NotFound);

    [Fact]
    public void A_name_in_use_outlives_those_that_are_not()
    {
        var cache = new NameCache(4, _time);
        for (int i = 0; i < 100; i++)
        {
            string name = $"n{i}";
            cache.Set(name, Result(name), Minute);
            Assert.True(i < 1 || cache.TryGet("n0", out _));
            Assert.InRange(cache.Count, 1, 4);
        }

        Assert.True(cache.TryGet("n99", out _));
        Assert.False(cache.TryGet("n50", out _));
    }

    [Fact]
    public void An_expired_name_makes_room_though_it_was_used()
    {
        var cache = new NameCache(2, _time);
        cache.Set("old", Result("old"), Minute);
        cache.Set("new", Result("new"), Minute * 3);
        Assert.True(cache.TryGet("old", out _) && cache.TryGet("new", out _));
        _time.Advance(Minute);
        cache.Set("more", Result("more"), Minute);
        Assert.True(cache.TryGet("new", out _) && cache.TryGet("more", out _));
        Assert.Equal(2, cache.Count);
    }

    [Fact]
    public void Any_sequence_keeps_the_bound_and_the_last_value()
    {
        var random = new Random(6);
        var cache = new NameCache(8, _time);
        for (int i = 0; i < 20_000; i++)
        {
            string name = (random.Next(2) == 0 ? "n" : "N") + random.Next(20);
            ResolveResult result = Result(name);
            cache.Set(name, result, TimeSpan.FromSeconds(random.Next(1, 5)));
            Assert.True(cache.TryGet(name.ToLowerInvariant(), out ResolveResult? kept));
            Assert.Same(result, kept);
            Assert.InRange(cache.Count, 1, 8);
            cache.TryGet("n" + random.Next(20), out _);
            if (random.Next(8) == 0) _time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
