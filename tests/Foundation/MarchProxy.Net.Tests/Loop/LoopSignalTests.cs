using MarchProxy.Net.Loop;
using MarchProxy.Net.Timers;

namespace MarchProxy.Net.Tests.Loop;

public sealed class LoopSignalTests
{
    [Fact]
    public Task A_second_wait_at_the_same_time_throws() => LoopTest.RunAsync(async loop =>
    {
        var signal = new LoopSignal(loop);
        ValueTask<int> first = signal.WaitAsync();
        Assert.Throws<InvalidOperationException>(() => signal.WaitAsync());
        Assert.True(signal.Complete(5));
        Assert.Equal(5, await first);
    });

    [Fact]
    public Task A_wait_awaited_twice_throws() => LoopTest.RunAsync(async loop =>
    {
        var signal = new LoopSignal(loop);
        ValueTask<int> wait = signal.WaitAsync();
        signal.Complete(1);
        Assert.Equal(1, await wait);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await wait);
    });

    [Fact]
    public Task A_stale_wait_does_not_take_the_next_ones_result() => LoopTest.RunAsync(async loop =>
    {
        var signal = new LoopSignal(loop);
        ValueTask<int> stale = signal.WaitAsync();
        signal.Complete(1);
        ValueTask<int> current = signal.WaitAsync();
        signal.Complete(2);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await stale);
        Assert.Equal(2, await current);
    });

    [Fact]
    public Task Completing_with_nobody_waiting_is_told_and_forgotten() => LoopTest.RunAsync(async loop =>
    {
        var signal = new LoopSignal(loop);
        Assert.False(signal.Complete(1));
        ValueTask<int> wait = signal.WaitAsync();
        Assert.False(wait.IsCompleted);
        signal.Complete(2);
        Assert.Equal(2, await wait);
    });

    [Fact]
    public Task A_wait_times_out_and_the_next_is_not_hit_by_the_old_deadline() => LoopTest.RunAsync(async loop =>
    {
        var signal = new LoopSignal(loop);
        Assert.Equal(-Errno.ETIMEDOUT, await signal.WaitAsync(20));
        ValueTask<int> ended = signal.WaitAsync(20);
        signal.Complete(1);
        Assert.Equal(1, await ended);
        ValueTask<int> endless = signal.WaitAsync();
        var clock = new LoopSignal(loop);
        Assert.Equal(-Errno.ETIMEDOUT, await clock.WaitAsync(100));
        Assert.True(signal.IsWaiting);
        signal.Complete(3);
        Assert.Equal(3, await endless);
    });

    [Fact]
    public async Task An_expiry_that_throws_is_reported_and_its_neighbours_in_the_slot_still_fire()
    {
        var reported = new List<Exception>();
        using var loop = new EventLoop(0) { OnUnhandled = reported.Add };
        loop.Start();
        int fired = await loop.InvokeAsync(async () =>
        {
            var signals = Enumerable.Range(0, 4).Select(_ => new LoopSignal(loop)).ToArray();
            ValueTask<int>[] waits = [.. signals.Select(s => s.WaitAsync(32))];
            loop.Timers.Arm(new Thrower(), loop.NowMs + 32);
            waits = [.. waits, .. Enumerable.Range(0, 4).Select(_ => new LoopSignal(loop).WaitAsync(32))];
            int count = 0;
            foreach (ValueTask<int> wait in waits) count += await wait == -Errno.ETIMEDOUT ? 1 : 0;
            return count;
        }).WaitAsync(LoopTest.Patience);
        Assert.Equal(8, fired);
        Assert.Single(reported);
    }

    [Fact]
    public Task OnIdle_follows_a_turn_whose_only_work_was_a_timer() => RunWithIdleAsync();

    private static async Task RunWithIdleAsync()
    {
        bool timerRan = false, idleAfterTimer = false;
        using var loop = new EventLoop(0);
        var seen = new TaskCompletionSource();
        loop.OnIdle = () =>
        {
            if (!timerRan || idleAfterTimer) return;
            idleAfterTimer = true;
            seen.SetResult();
        };
        loop.Start();
        loop.Post(async void () =>
        {
            await new LoopSignal(loop).WaitAsync(32);
            timerRan = true;
        });
        await seen.Task.WaitAsync(LoopTest.Patience);
    }

    private sealed class Thrower : TimerNode
    {
        protected internal override void OnExpired() => throw new InvalidOperationException("expiry");
    }
}
