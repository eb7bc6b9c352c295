using MarchProxy.Edge.Identity;

namespace MarchProxy.Edge.Tests.Identity;

/// <summary>The bucket against a count of what a token bucket would give.</summary>
public sealed class RateBucketTests
{
    [Fact]
    public void It_gives_what_a_bucket_of_its_size_and_rate_gives()
    {
        const long interval = 100, burst = 5;
        var bucket = new RateBucket();
        var random = new Random(1);
        double tokens = burst;
        long now = 1_000_000, last = now;
        for (int i = 0; i < 20_000; i++)
        {
            now += random.Next(250);
            tokens = Math.Min(burst, tokens + ((now - last) / (double)interval));
            last = now;
            bool model = tokens >= 1 - 1e-9;
            Assert.Equal(!model, bucket.IsEmpty(now, interval, burst));
            long wait = bucket.Take(now, interval, burst);
            Assert.Equal(model, wait == 0);
            if (model) tokens--;
            else Assert.InRange(wait, 1, interval);
        }
    }

    [Fact]
    public void Threads_together_get_no_more_than_the_burst()
    {
        var bucket = new RateBucket();
        int taken = 0;
        Parallel.For(0, 10_000, _ =>
        {
            if (bucket.Take(5, 1_000_000, 100) == 0) Interlocked.Increment(ref taken);
        });
        Assert.Equal(100, taken);
    }
}
