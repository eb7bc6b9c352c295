using System.Text;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Tests.Http1;

namespace MarchProxy.Edge.Tests.Caching;

/// <summary>What the store promises: bounded, the unused goes first, variants apart, nothing comes back that was thrown out.</summary>
public sealed class ResponseCacheTests
{
    private static readonly Freshness s_hour = new(0, 3_600_000, 0, 0, false, false);
    private readonly ResponseCache _cache = new(100_000);

    [Fact]
    public void What_was_kept_is_found_byte_for_byte()
    {
        byte[] content = new byte[40_000];
        new Random(3).NextBytes(content);
        CacheFill fill = _cache.TryBegin(Key("/a"), 1 << 20)!;
        Assert.Null(_cache.TryBegin(Key("/a"), 1 << 20));
        Keep(fill);
        for (int at = 0, step = 1; at < content.Length; at += step, step = Math.Min(step * 3, 9_000)) Assert.True(fill.Add(content.AsSpan(at, Math.Min(step, content.Length - at))));
        Assert.Null(Find("/a"));
        fill.Complete();
        CachedResponse found = Find("/a")!;
        Assert.Equal(content, found.Body.SelectMany(b => b));
        Assert.Equal("HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n", Encoding.ASCII.GetString(found.Head));
        Assert.NotNull(_cache.TryBegin(Key("/a"), 1 << 20));
    }

    [Fact]
    public void Memory_is_bounded_and_what_was_used_stays()
    {
        for (int i = 0; i < 500; i++)
        {
            Store("/" + i, 1000);
            Assert.InRange(_cache.Bytes, 1, 100_000);
            Assert.NotNull(Find("/0"));
        }

        Assert.InRange(_cache.Count, 30, 100);
        Assert.Equal(500 - _cache.Count, _cache.Evicted);
        Assert.NotNull(Find("/499"));
        Assert.Null(Find("/1"));
    }

    [Fact]
    public void What_is_too_long_is_not_kept()
    {
        CacheFill fill = _cache.TryBegin(Key("/a"), 5_000)!;
        Keep(fill);
        Assert.True(fill.Add(new byte[5_000]));
        Assert.False(fill.Add(new byte[1]));
        Assert.Null(Find("/a"));
        Assert.Equal(0, _cache.Bytes);

        // Nor may one object be more than half of all, whatever the route says.
        fill = _cache.TryBegin(Key("/a"), 1 << 20)!;
        Keep(fill);
        Assert.False(fill.Add(new byte[60_000]));
    }

    [Fact]
    public void Fetches_under_way_are_bounded_together()
    {
        CacheFill[] fills = [.. Enumerable.Range(0, 20).Select(i => _cache.TryBegin(Key("/" + i), 1 << 20)!)];
        Assert.All(fills, Keep);
        Assert.Equal(12, fills.Count(f => f.Add(new byte[4_000])));
        foreach (CacheFill fill in fills) fill.Abandon();
        CacheFill after = _cache.TryBegin(Key("/a"), 1 << 20)!;
        Keep(after);
        Assert.True(after.Add(new byte[40_000]));
    }

    [Fact]
    public void Variants_are_told_apart_and_bounded()
    {
        Store("/v", 10, "Accept-Language", "Accept-Language: de");
        Store("/v", 20, "Accept-Language", "Accept-Language: en");
        Assert.Equal(10, Find("/v", "Accept-Language: de")!.Length);
        Assert.Equal(20, Find("/v", "accept-language:   en")!.Length);
        Assert.Null(Find("/v"));
        Assert.Null(Find("/v", "Accept-Language: en", "Accept-Language: de"));
        Store("/v", 30, "Accept-Language", "Accept-Language: de");
        Assert.Equal(30, Find("/v", "Accept-Language: de")!.Length);
        for (int i = 0; i < 100; i++) Store("/v", 40, "Accept-Language", "Accept-Language: l" + i);
        Assert.Null(Find("/v", "Accept-Language: l0"));
        Assert.NotNull(Find("/v", "Accept-Language: l99"));
        Assert.InRange(_cache.Bytes, 1, 20_000);
    }

    [Fact]
    public void A_fetch_that_was_under_way_when_its_target_changed_is_dropped()
    {
        CacheFill fill = _cache.TryBegin(Key("/a"), 1000)!;
        Assert.True(_cache.Invalidate(Key("/a")));
        Assert.NotNull(_cache.TryBegin(Key("/a"), 1000));
        Keep(fill);
        fill.Complete();
        Assert.Null(Find("/a"));
    }

    [Fact]
    public void A_purge_takes_what_it_names()
    {
        foreach (string path in new[] { "/a", "/a/b", "/c?x=1" }) Store(path, 10);
        Assert.Equal(0, _cache.Purge("other"u8, default, default, false));
        Assert.Equal(0, _cache.Purge("r"u8, "b.test"u8, default, false));
        Assert.Equal(1, _cache.Purge("r"u8, "a.test"u8, "/a"u8, false));
        Assert.NotNull(Find("/a/b"));
        Store("/a", 10);
        Assert.True(CacheKey.IsOf(Key("/a", host: "a.test:81"), default, "a.test"u8, "/a"u8, false));
        Assert.False(CacheKey.IsOf(Key("/a", host: "a.tester"), default, "a.test"u8, "/a"u8, false));
        Assert.Equal(2, _cache.Purge(default, default, "/a"u8, true));
        Assert.Equal(1, _cache.Purge(default, default, default, false));
        Assert.Equal((0, 0, 4), ((int)_cache.Bytes, _cache.Count, (int)_cache.Purged));
    }

    [Fact]
    public async Task Many_threads_leave_the_books_right()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            for (int i = 0; i < 5_000; i++)
            {
                string path = "/" + random.Next(200);
                switch (random.Next(5))
                {
                    case 0: _cache.Invalidate(Key(path)); break;
                    case 1: Find(path); break;
                    default:
                        if (_cache.TryBegin(Key(path), 1 << 20) is not { } fill) break;
                        Keep(fill);
                        if (!fill.Add(new byte[random.Next(3000)])) break;
                        if (random.Next(4) == 0) fill.Abandon();
                        else fill.Complete();
                        break;
                }
            }
        })));
        Assert.InRange(_cache.Bytes, 1, 100_000);
        _cache.Purge(default, default, default, false);
        Assert.Equal((0, 0), ((int)_cache.Bytes, _cache.Count));
    }

    [Fact]
    public void Keys_of_other_schemes_hosts_and_routes_are_others()
    {
        var keys = new HashSet<string>();
        foreach (string route in new[] { "r", "r2" })
        {
            foreach (bool secure in new[] { true, false })
            {
                foreach (string host in new[] { "a.test", "b.test" })
                {
                    foreach (string target in new[] { "/a", "/A", "/a?", "/a?b" }) keys.Add(Convert.ToHexString(Key(target, route, secure, host)));
                }
            }
        }

        Assert.Equal(32, keys.Count);
        Assert.Equal(Key("/a"), Key("/a", "r", false, "A.TEST"));
        Assert.Equal(Key("/"), Key(""));
        Assert.Equal(0, CacheKey.Write(new byte[100], "r"u8, false, "a"u8, new byte[100]));
    }

    private void Store(string path, int length, string? vary = null, params string[] fields)
    {
        CacheFill fill = _cache.TryBegin(Key(path), 1 << 20)!;
        Parsed<ResponseHead> response = Parsed.Response($"HTTP/1.1 200 OK\r\n{(vary is null ? "" : $"Vary: {vary}\r\n")}\r\n");
        Parsed<RequestHead> request = Parsed.Fields(fields);
        fill.Keep("HTTP/1.1 200 OK\r\n"u8.ToArray(), s_hour, VarySelection.Of(response.Head, response.Bytes, request.Head, request.Bytes)!);
        fill.Add(new byte[length]);
        fill.Complete();
    }

    private CachedResponse? Find(string path, params string[] fields)
    {
        Parsed<RequestHead> request = Parsed.Fields(fields);
        return _cache.Find(Key(path), request.Head, request.Bytes);
    }

    private static void Keep(CacheFill fill) => fill.Keep("HTTP/1.1 200 OK\r\n"u8.ToArray(), s_hour, VarySelection.None);

    private static byte[] Key(string target, string route = "r", bool secure = false, string host = "a.test")
    {
        Span<byte> key = stackalloc byte[256];
        int length = CacheKey.Write(key, Encoding.ASCII.GetBytes(route), secure, Encoding.ASCII.GetBytes(host), Encoding.ASCII.GetBytes(target));
        return key[..length].ToArray();
    }
}
