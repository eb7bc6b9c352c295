namespace MarchProxy.Net.Timers;

/// <summary>
/// Something that can expire on a loop. Deadlines are lazy: pushing one later or clearing it costs a store; the wheel looks again when
/// the old slot comes round.
/// </summary>
public abstract class TimerNode
{
    internal TimerNode? Next, Previous;
    internal long SlotTick = -1;

    /// <summary>When this expires, in loop milliseconds; <see cref="long.MaxValue"/> for never. Set through <see cref="TimerWheel.Arm"/>.</summary>
    internal long Deadline = long.MaxValue;

    /// <summary>Forgets the deadline.</summary>
    public void Disarm() => Deadline = long.MaxValue;

    /// <summary>Called on the loop once the deadline has passed.</summary>
    protected internal abstract void OnExpired();
}
