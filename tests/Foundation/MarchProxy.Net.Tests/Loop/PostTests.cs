using MarchProxy.Net.Loop;

namespace MarchProxy.Net.Tests.Loop;

public sealed class PostTests
{
    [Fact]
    public async Task Posts_of_many_threads_all_run_in_order_for_each_caller()
    {
        const int Callers = 8, Each = 20_000;
        using var loop = new EventLoop(0);
        var next = new int[Callers];
        int left = Callers * Each;
        bool inOrder = true, onLoop = true;
        var done = new TaskCompletionSource();
        loop.Start();
        Thread[] threads = [.. Enumerable.Range(0, Callers).Select(caller => new Thread(() =>
        {
            for (int i = 0; i < Each; i++)
            {
                int number = i;
                loop.Post(() =>
                {
                    inOrder &= next[caller]++ == number;
                    onLoop &= loop.IsCurrent;
                    if (--left == 0) done.SetResult();
                });
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        await done.Task.WaitAsync(LoopTest.Patience);
        Assert.True(inOrder);
        Assert.True(onLoop);
    }

    [Fact]
    public async Task A_post_wakes_a_sleeping_loop_each_time()
    {
        using var loop = new EventLoop(0);
        loop.Start();

        // Each round trip finds the loop asleep or about to sleep: a lost wake-up would hang.
        for (int i = 0; i < 5_000; i++) Assert.Equal(i, await loop.InvokeAsync(() => i).WaitAsync(LoopTest.Patience));
    }

    [Fact]
    public Task Enter_is_free_on_the_loop_and_switches_to_it_from_elsewhere() => LoopTest.RunAsync(async loop =>
    {
        Assert.True(loop.Enter().IsCompleted);
        await Task.Run(() => Assert.False(loop.IsCurrent)).ConfigureAwait(false);
        await loop.Enter();
        Assert.True(loop.IsCurrent);
        Assert.Same(loop, EventLoop.Current);
    });

    [Fact]
    public async Task InvokeAsync_hands_back_results_and_exceptions()
    {
        using var loop = new EventLoop(0);
        loop.Start();
        Assert.Equal(7, await loop.InvokeAsync(() => 7));
        Assert.Equal(8, await loop.InvokeAsync(async () =>
        {
            await Task.Yield();
            return 8;
        }));
        await Assert.ThrowsAsync<InvalidOperationException>(() => loop.InvokeAsync(int () => throw new InvalidOperationException()));
    }

    [Fact]
    public async Task InvokeAsync_of_an_async_action_waits_for_its_end()
    {
        using var loop = new EventLoop(0);
        loop.Start();
        await Assert.ThrowsAsync<InvalidOperationException>(() => loop.InvokeAsync(async () =>
        {
            await Task.Yield();
            throw new InvalidOperationException();
        }));
    }

    [Fact]
    public async Task An_action_that_throws_is_reported_and_the_next_ones_run()
    {
        var reported = new List<string>();
        using var loop = new EventLoop(0) { OnUnhandled = e => reported.Add(e.Message) };
        loop.Start();
        loop.Post(() => throw new InvalidOperationException("a"));
        Assert.Equal(1, await loop.InvokeAsync(() => 1).WaitAsync(LoopTest.Patience));
        Assert.Equal(["a"], reported);
    }

    [Fact]
    public async Task A_burst_of_posts_does_not_starve_the_sockets()
    {
        await LoopTest.RunAsync(async loop =>
        {
            var (client, server) = await LoopTest.PairAsync(loop);
            bool go = true;
            int runs = 0;
            void Again()
            {
                runs++;
                if (go) loop.Post(Again);
            }

            Again();
            Assert.Equal(1, client.TrySend("x"u8));
            Assert.Equal(1, await server.ReadAsync(new byte[8]));
            Assert.True(runs > 0);
            go = false;
        }, new EventLoopOptions { MaxPostsPerTurn = 4 });
    }
}
