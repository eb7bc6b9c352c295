using System.Text;

namespace ArticDbm.Security.Caching;

public sealed class StatementCacheTests
{
    [Fact]
    public void A_text_is_read_once_and_found_without_allocation()
    {
        var cache = new StatementCache(SqlDialect.PostgreSql);
        byte[] text = Encoding.UTF8.GetBytes("SELECT * FROM orders LIMIT 1");
        StatementReport first = cache.Get(text);
        Assert.Same(first, cache.Get(text));
        Assert.Equal((1, 1L, 1L), (cache.Count, cache.Hits, cache.Misses));
        for (int i = 0; i < 1_000; i++) cache.Get(text);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++) cache.Get(text);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void The_same_bytes_under_other_quoting_are_another_text()
    {
        var cache = new StatementCache(SqlDialect.PostgreSql);
        byte[] text = Encoding.UTF8.GetBytes(@"SELECT 'a\' OR 1=1 --'");
        Assert.NotSame(cache.Get(text), cache.Get(text, SqlQuoting.BackslashEscapes));
        Assert.False(cache.Get(text).Has(StatementTraits.Unreadable));
    }

    [Fact]
    public void Entries_and_bytes_are_bounded()
    {
        var cache = new StatementCache(SqlDialect.MySql, entries: 64, maxBytes: 20_000);
        for (int i = 0; i < 5_000; i++) cache.Get(Encoding.UTF8.GetBytes($"SELECT {i} FROM t WHERE name = '{new string('x', i % 500)}'"));
        Assert.InRange(cache.Count, 1, 64);
        Assert.InRange(cache.Bytes, 1, 20_000);
        Assert.Equal(5_000, cache.Misses);
    }

    [Fact]
    public void A_text_in_use_outlives_texts_that_come_once()
    {
        var cache = new StatementCache(SqlDialect.MySql, entries: 256);
        byte[] used = Encoding.UTF8.GetBytes("SELECT a FROM t");
        for (int i = 0; i < 10_000; i++)
        {
            cache.Get(used);
            cache.Get(Encoding.UTF8.GetBytes($"SELECT {i}"));
        }

        // It loses its place only when both places are taken by texts that came after its last use.
        Assert.InRange(cache.Hits, 9_900, 10_000);
    }

    [Fact]
    public void A_text_over_the_bound_is_read_each_time()
    {
        var cache = new StatementCache(SqlDialect.MySql);
        byte[] text = Encoding.UTF8.GetBytes($"SELECT '{new string('x', StatementCache.MaxText)}'");
        Assert.NotSame(cache.Get(text), cache.Get(text));
        Assert.Equal(0, cache.Count);
    }
}
