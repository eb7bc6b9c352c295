namespace MarchProxy.Net.Timers;

/// <summary>
/// A coarse hashed timer wheel: 16 ms a tick (idle and stall limits are seconds, so a tick late costs nothing), 2,048 slots, one turn in
/// 33 s; longer deadlines stay in their slot and are looked at once a turn. Arming and firing are O(1).
/// </summary>
public sealed class TimerWheel
{
    internal const int TickMs = 16;
    private const int Slots = 2048;

    /// <summary>Marks the nodes under <see cref="Visit"/>: it reads their deadline last, so arming one is only a store.</summary>
    private const long BeingVisited = -2;
    private readonly TimerNode?[] _slots = new TimerNode?[Slots];

    /// <summary>The chain under visit. It is kept here so that an expiry that throws leaves the rest for the next <see cref="Advance"/>.</summary>
    private TimerNode? _visited;
    private long _tick;
    private int _count;

    /// <summary>Makes a wheel that starts at the given time.</summary>
    /// <param name="nowMs">The loop's clock.</param>
    public TimerWheel(long nowMs) => _tick = nowMs / TickMs;

    /// <summary>Nodes that hold a slot, the lazily disarmed ones with them.</summary>
    public int Count => _count;

    /// <summary>Sets when the node expires. Later than before is free; earlier moves it.</summary>
    /// <param name="node">What expires.</param>
    /// <param name="deadlineMs">The loop's time at which it does.</param>
    public void Arm(TimerNode node, long deadlineMs)
    {
        node.Deadline = deadlineMs;
        if (deadlineMs == long.MaxValue || node.SlotTick == BeingVisited) return;
        long tick = Math.Max(_tick + 1, (deadlineMs / TickMs) + 1);
        if (node.SlotTick >= 0)
        {
            if (node.SlotTick <= tick) return;
            Unlink(node);
        }

        Link(node, tick);
    }

    /// <summary>Takes a node out for good.</summary>
    public void Remove(TimerNode node)
    {
        node.Deadline = long.MaxValue;
        if (node.SlotTick >= 0) Unlink(node);
    }

    /// <summary>Fires what is due.</summary>
    /// <param name="nowMs">The loop's clock.</param>
    /// <returns>Whether anything fired.</returns>
    public bool Advance(long nowMs)
    {
        long target = nowMs / TickMs;
        if (_count == 0)
        {
            _tick = Math.Max(_tick, target);
            return false;
        }

        bool fired = Visit(nowMs);

        // After a long stall one turn visits every slot; more turns would find nothing new.
        if (target - _tick > Slots) _tick = target - Slots;
        while (_tick < target)
        {
            _tick++;
            int slot = (int)(_tick % Slots);
            if (_slots[slot] is not { } chain) continue;

            // Expiry code may arm and remove other nodes, so the slot's chain is taken off first.
            _slots[slot] = null;
            _visited = chain;
            for (TimerNode? n = chain; n is not null; n = n.Next) n.SlotTick = BeingVisited;
            fired |= Visit(nowMs);
        }

        return fired;
    }

    private bool Visit(long nowMs)
    {
        bool fired = false;
        while (_visited is { } node)
        {
            _visited = node.Next;
            if (_visited is not null) _visited.Previous = null;
            node.Next = node.Previous = null;
            node.SlotTick = -1;
            _count--;
            if (node.Deadline <= nowMs)
            {
                fired = true;
                node.Deadline = long.MaxValue;
                node.OnExpired();
            }
            else if (node.Deadline != long.MaxValue)
            {
                Arm(node, node.Deadline);
            }
        }

        return fired;
    }

    private void Link(TimerNode node, long tick)
    {
        int slot = (int)(tick % Slots);
        node.SlotTick = tick;
        node.Previous = null;
        node.Next = _slots[slot];
        if (node.Next is not null) node.Next.Previous = node;
        _slots[slot] = node;
        _count++;
    }

    private void Unlink(TimerNode node)
    {
        if (node.Previous is not null) node.Previous.Next = node.Next;
        else _slots[(int)(node.SlotTick % Slots)] = node.Next;
        if (node.Next is not null) node.Next.Previous = node.Previous;
        node.Next = node.Previous = null;
        node.SlotTick = -1;
        _count--;
    }
}
