namespace MarchProxy.Tests;

/// <summary>Waits for what another thread does; fails when it does not come.</summary>
internal static class Eventually
{
    public static async Task HoldsAsync(Func<bool> condition, Func<string>? told = null)
    {
        for (int i = 0; i < 3000; i++)
        {
            if (condition()) return;
            await Task.Delay(10);
        }

        Assert.Fail(told?.Invoke() ?? "It did not come to pass in 30 s.");
    }
}
