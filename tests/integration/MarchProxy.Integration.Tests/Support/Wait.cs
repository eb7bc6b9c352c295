namespace MarchProxy.Integration.Support;

/// <summary>Waiting for what another process does, without guessing how long it takes.</summary>
internal static class Wait
{
    public static async Task UntilAsync(Func<Task<bool>> condition, Func<string> what)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await condition())
        {
            try
            {
                await tick.WaitForNextTickAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail("Waited 30 s in vain: " + what());
            }
        }
    }

    public static Task UntilAsync(Func<bool> condition, Func<string> what) => UntilAsync(() => Task.FromResult(condition()), what);
}
