using MarchProxy.Net.Loop;

namespace MarchProxy.Net.Tests;

/// <summary>Values that callbacks deliver on a loop and a test on that loop takes, in order.</summary>
internal sealed class Signalled<T>(EventLoop loop)
{
    private readonly Queue<T> _values = new();
    private readonly LoopSignal _signal = new(loop);

    public int Count => _values.Count;

    public void Set(T value)
    {
        _values.Enqueue(value);
        _signal.Complete(0);
    }

    public async Task<T> GetAsync()
    {
        if (_values.Count == 0) Assert.Equal(0, await _signal.WaitAsync(20_000));
        return _values.Dequeue();
    }
}
