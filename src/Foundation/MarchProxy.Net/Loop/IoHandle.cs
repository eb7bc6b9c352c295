namespace MarchProxy.Net.Loop;

/// <summary>A descriptor that a loop watches.</summary>
public abstract class IoHandle
{
    internal int Slot = -1;

    /// <summary>Called on the loop with the events that epoll reports.</summary>
    /// <param name="events">EPOLL* bits.</param>
    internal abstract void OnEvents(uint events);
}
