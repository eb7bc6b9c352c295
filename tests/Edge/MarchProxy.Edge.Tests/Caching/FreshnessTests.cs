using System.Text;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Tests.Http1;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Tests.Caching;

/// <summary>RFC 9111 sections 3, 4 and 5.2, and RFC 5861, case by case. The clock stands at Sun, 06 Nov 1994 08:49:37 GMT.</summary>
public sealed class FreshnessTests
{
    private const long Now = 784111777_000;
    private const string Date = "Date: Sun, 06 Nov 1994 08:49:37 GMT";

    [Theory]
    [InlineData(60, "Cache-Control: max-age=60")]
    [InlineData(60, "cache-control: public, MAX-AGE=\"60\"")]
    [InlineData(30, "Cache-Control: max-age=60, s-maxage=30")]
    [InlineData(30, "Cache-Control: max-age=60", "Cache-Control: s-maxage=30")]
    [InlineData(10, "Cache-Control: max-age=60, max-age=10")]
    [InlineData(int.MaxValue, "Cache-Control: max-age=99999999999999999999")]
    [InlineData(0, "Cache-Control: max-age=abc", "ETag: \"x\"")]
    [InlineData(0, "Cache-Control: max-age=-5", "ETag: \"x\"")]
    [InlineData(60, "Cache-Control: a=\"max-age=5, no-store\", max-age=60")]
    [InlineData(60, "Expires: Sun, 06 Nov 1994 08:50:37 GMT")]
    [InlineData(60, "Expires: Sunday, 06-Nov-94 08:50:37 GMT")]
    [InlineData(60, "Expires: Sun Nov  6 08:50:37 1994")]
    [InlineData(0, "Expires: 0", "ETag: \"x\"")]
    [InlineData(0, "Expires: Sun, 06 Nov 1994 08:48:37 GMT", "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT")]
    [InlineData(60, "Cache-Control: max-age=60", "Expires: 0")]
    [InlineData(null, "Cache-Control: max-age=0")]
    [InlineData(null, "Cache-Control: no-store, max-age=60")]
    [InlineData(null, "Cache-Control: private, max-age=60")]
    [InlineData(null, "Cache-Control: private=\"Set-Cookie\", max-age=60")]
    [InlineData(null, "Cache-Control: max-age=60", "Set-Cookie: a=b")]
    [InlineData(null, "Cache-Control: max-age=60", "Vary: *")]
    [InlineData(null, "Cache-Control: max-age=60", "Vary: Accept, *")]
    [InlineData(null, "X-Nothing: said")]
    [InlineData(null, "ETag: \"x\"")]
    [InlineData(60, "Cache-Control: no-store, must-understand, max-age=60")]
    [InlineData(60, "Cache-Control: no-cache, max-age=60", "ETag: \"x\"")]
    [InlineData(null, "Cache-Control: no-cache, max-age=60")]
    [InlineData(0, "Cache-Control: no-cache", "ETag: \"x\"")]
    public void A_response_is_fresh_for_as_long_as_it_says(int? seconds, params string[] lines)
    {
        Freshness? freshness = Of(200, new CachePolicy(), [Date, .. lines]);
        Assert.Equal(seconds is { } s ? (long)s * 1000 : null, freshness?.Lifetime);
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(203, true)]
    [InlineData(204, true)]
    [InlineData(301, true)]
    [InlineData(308, true)]
    [InlineData(404, true)]
    [InlineData(410, true)]
    [InlineData(302, false)]
    [InlineData(206, false)]
    [InlineData(500, false)]
    [InlineData(503, false)]
    public void A_time_of_the_routes_is_for_statuses_that_may_be_kept_unasked(int status, bool kept)
    {
        Assert.Equal(kept, Of(status, new CachePolicy { Ttl = TimeSpan.FromSeconds(5) }, Date) is not null);
        Assert.Equal(status != 206, Of(status, new CachePolicy(), Date, "Cache-Control: max-age=5") is not null);
        Assert.Null(Of(status, new CachePolicy(), Date));
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(404, true)]
    [InlineData(599, false)]
    [InlineData(299, false)]
    public void What_must_be_understood_is_kept_only_when_it_is(int status, bool kept) => Assert.Equal(kept, Of(status, new CachePolicy(), Date, "Cache-Control: no-store, must-understand, max-age=60") is not null);

    [Theory]
    [InlineData(false, "Cache-Control: max-age=60")]
    [InlineData(true, "Cache-Control: max-age=60, public")]
    [InlineData(true, "Cache-Control: s-maxage=60")]
    [InlineData(true, "Cache-Control: max-age=60, must-revalidate")]
    public void What_was_asked_with_credentials_is_kept_only_when_it_says_so(bool kept, string line)
    {
        Parsed<ResponseHead> response = Parsed.Response($"HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
        Assert.Equal(kept, Freshness.Of(response.Head, response.Bytes, new CachePolicy(), authorized: true, Now, Now) is not null);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20, "Age: 20")]
    [InlineData(0, "Age: x")]
    [InlineData(0, "Age: -3")]
    [InlineData(20, "Age: 20, 30")]
    public void Age_counts_from_where_the_response_came_from(int seconds, params string[] lines) =>
        Assert.Equal(seconds, Of(200, new CachePolicy(), [Date, "Cache-Control: max-age=60", .. lines])!.Value.AgeAt(Now) / 1000);

    [Fact]
    public void An_old_date_is_an_age_and_one_of_the_future_is_none()
    {
        Assert.Equal(100_000, Of(200, new CachePolicy(), "Date: Sun, 06 Nov 1994 08:47:57 GMT", "Cache-Control: max-age=600")!.Value.AgeAt(Now));
        Assert.Equal(0, Of(200, new CachePolicy(), "Date: Sun, 06 Nov 1994 09:47:57 GMT", "Cache-Control: max-age=600")!.Value.AgeAt(Now));
    }

    [Theory]
    [InlineData("Fresh", 59, "", "max-age=60")]
    [InlineData("Revalidate", 60, "", "max-age=60")]
    [InlineData("Revalidate", 10, "Cache-Control: no-cache", "max-age=60")]
    [InlineData("Revalidate", 10, "Pragma: no-cache", "max-age=60")]
    [InlineData("Fresh", 10, "Pragma: no-cache\r\nCache-Control: x", "max-age=60")]
    [InlineData("Revalidate", 10, "Cache-Control: max-age=5", "max-age=60")]
    [InlineData("Fresh", 5, "Cache-Control: max-age=5", "max-age=60")]
    [InlineData("Revalidate", 10, "Cache-Control: max-age=0", "max-age=60")]
    [InlineData("Revalidate", 10, "Cache-Control: min-fresh=55", "max-age=60")]
    [InlineData("Fresh", 10, "Cache-Control: min-fresh=45", "max-age=60")]
    [InlineData("Stale", 70, "Cache-Control: max-stale", "max-age=60")]
    [InlineData("Stale", 70, "Cache-Control: max-stale=10", "max-age=60")]
    [InlineData("Revalidate", 71, "Cache-Control: max-stale=10", "max-age=60")]
    [InlineData("Revalidate", 70, "Cache-Control: max-stale", "max-age=60, must-revalidate")]
    [InlineData("Revalidate", 70, "Cache-Control: max-stale", "max-age=60, proxy-revalidate")]
    [InlineData("Revalidate", 70, "Cache-Control: max-stale", "s-maxage=60")]
    [InlineData("StaleWhileRevalidate", 70, "", "max-age=60, stale-while-revalidate=20")]
    [InlineData("Revalidate", 80, "", "max-age=60, stale-while-revalidate=20")]
    [InlineData("StaleWhileRevalidate", 70, "", "s-maxage=60, stale-while-revalidate=20")]
    [InlineData("Revalidate", 70, "", "max-age=60, stale-while-revalidate=20, must-revalidate")]
    [InlineData("Revalidate", 1, "", "max-age=60, no-cache")]
    public void A_request_and_a_response_settle_what_is_done(string use, int secondsLater, string request, string response)
    {
        Freshness freshness = Of(200, new CachePolicy(), Date, "ETag: \"a\"", "Cache-Control: " + response)!.Value;
        Parsed<RequestHead> asked = Parsed.Request($"GET / HTTP/1.1\r\nHost: a\r\n{(request.Length > 0 ? request + "\r\n" : "")}\r\n");
        Assert.Equal(use, RequestControl.Of(asked.Head, asked.Bytes).Judge(freshness, Now + (secondsLater * 1000)).ToString());
    }

    [Theory]
    [InlineData(true, 70, "", "max-age=60, stale-if-error=20")]
    [InlineData(false, 80, "", "max-age=60, stale-if-error=20")]
    [InlineData(true, 70, "Cache-Control: stale-if-error=20", "max-age=60")]
    [InlineData(false, 70, "", "max-age=60")]
    [InlineData(false, 70, "Cache-Control: stale-if-error=20", "max-age=60, must-revalidate")]
    [InlineData(false, 70, "Cache-Control: no-cache", "max-age=60, stale-if-error=20")]
    public void An_error_is_covered_by_a_stale_response_where_that_is_allowed(bool served, int secondsLater, string request, string response)
    {
        Freshness freshness = Of(200, new CachePolicy(), Date, "ETag: \"a\"", "Cache-Control: " + response)!.Value;
        Parsed<RequestHead> asked = Parsed.Request($"GET / HTTP/1.1\r\nHost: a\r\n{(request.Length > 0 ? request + "\r\n" : "")}\r\n");
        Assert.Equal(served, RequestControl.Of(asked.Head, asked.Bytes).ServesOnError(freshness, Now + (secondsLater * 1000)));
    }

    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT", 784111777)]
    [InlineData("Thu, 29 Feb 2024 23:59:60 GMT", 1709251200)]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT", 784111777)]
    [InlineData("Sun Nov  6 08:49:37 1994", 784111777)]
    [InlineData("Sun Nov 16 08:49:37 1994", 784975777)]
    [InlineData("Sun, 31 Feb 1994 08:49:37 GMT", -1)]
    [InlineData("Sun, 06 Nov 1994 24:49:37 GMT", -1)]
    [InlineData("Sun, 06 Nov 1994 08:49:37 UTC", -1)]
    [InlineData("Sun, 06 nov 1994 08:49:37 GMT", -1)]
    [InlineData("Sun, 6 Nov 1994 08:49:37 GMT", -1)]
    [InlineData("0", -1)]
    [InlineData("", -1)]
    public void Dates_are_read_in_three_forms_and_no_other(string text, long seconds)
    {
        bool isDate = HttpDateReader.TryRead(Encoding.ASCII.GetBytes(text), Now / 1000, out long read);
        Assert.Equal(seconds, isDate ? read : -1);
    }

    [Fact]
    public void No_bytes_throw()
    {
        var random = new Random(7);
        byte[][] seeds = [.. new[] { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "max-age=60, private=\"a, b\\\"\", s-maxage=5", "bytes=0-5", "W/\"a\", \"b\"" }.Select(Encoding.ASCII.GetBytes)];
        for (int i = 0; i < 50_000; i++)
        {
            byte[] bytes = [.. seeds[random.Next(seeds.Length)]];
            for (int edits = random.Next(4); edits > 0; edits--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            ReadOnlySpan<byte> text = bytes.AsSpan(0, random.Next(bytes.Length + 1));
            HttpDateReader.TryRead(text, Now / 1000, out _);
            new CacheControl().Add(text);
            Preconditions.Names(text, "\"a\""u8);
            if (!Preconditions.TryRange(text, 1000, out long start, out long count, out bool not)) continue;
            Assert.True(not ? count == 0 : start >= 0 && count > 0 && start + count <= 1000, Encoding.Latin1.GetString(text));
        }
    }

    private static Freshness? Of(int status, CachePolicy policy, params string[] lines)
    {
        Parsed<ResponseHead> response = Parsed.Response($"HTTP/1.1 {status} X\r\n{Parsed.Join(lines)}\r\n");
        Assert.Equal("ok", response.Outcome);
        return Freshness.Of(response.Head, response.Bytes, policy, authorized: false, Now, Now);
    }
}
