using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Balancing;

/// <summary>
/// The right to have a connection open, counted over all loops. Who finds none free waits in line; who gives one back hands it to the first in line. A loop that
/// keeps idle connections gives one up when another loop waits.
/// </summary>
internal sealed class ConnectionSlots
{
    private const int LookInPool = 1;
    private readonly Lock _gate = new();
    private readonly LinkedList<SlotWaiter> _line = new();
    private int _most, _mostWaiting, _open;

    /// <summary>Connections open.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Requests that wait for one.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate) return _line.Count;
        }
    }

    /// <summary>Whether anybody waits: then an idle connection is worth more closed than kept.</summary>
    public bool IsWanted => Waiting > 0;

    public void Obey(int most, int mostWaiting)
    {
        lock (_gate) (_most, _mostWaiting) = (most, mostWaiting);
    }

    /// <summary>Takes a slot now.</summary>
    /// <returns>Zero; -EAGAIN when one has to wait; -ENOBUFS when too many wait.</returns>
    public int TryTake()
    {
        lock (_gate)
        {
            if (_most == 0 || (_open < _most && _line.Count == 0))
            {
                _open++;
                return 0;
            }

            return _line.Count >= _mostWaiting ? -Errno.ENOBUFS : -Errno.EAGAIN;
        }
    }

    /// <summary>Lets the first in line have an idle connection of its own loop.</summary>
    /// <returns>Whether the connection is to be kept: the first in line belongs to this loop and is told to look for it, or nobody waits.</returns>
    public bool HandTo(EventLoop loop)
    {
        lock (_gate)
        {
            if (_line.First is not { } first) return true;
            if (first.Value.Loop != loop) return false;
            _line.RemoveFirst();
            first.Value.Node = null;
            first.Value.Wake(LookInPool);
            return true;
        }
    }

    /// <summary>Waits for a slot; it is the caller's when the result is zero. A positive result means that an idle connection may be in the pool instead.</summary>
    public ValueTask<int> WaitAsync(EventLoop loop, long timeoutMs)
    {
        var waiter = new SlotWaiter(this, loop);
        lock (_gate)
        {
            waiter.Node = _line.AddLast(waiter);

            // One may have come free between the refusal and now.
            HandOn();
        }

        return waiter.RunAsync(timeoutMs);
    }

    /// <summary>Gives a slot back: the connection has closed.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _open--;
            HandOn();
        }
    }

    /// <summary>Whoever is first gets what is free. Under the gate.</summary>
    private void HandOn()
    {
        while (_line.First is { } first && (_most == 0 || _open < _most))
        {
            _line.RemoveFirst();
            first.Value.Node = null;
            first.Value.Granted = true;
            _open++;
            first.Value.Wake(0);
        }
    }

    /// <summary>A request in line.</summary>
    private sealed class SlotWaiter(ConnectionSlots slots, EventLoop loop)
    {
        private readonly LoopSignal _signal = new(loop);

        /// <summary>Its place; null once it has been served. Under the gate.</summary>
        public LinkedListNode<SlotWaiter>? Node { get; set; }

        public bool Granted { get; set; }

        public EventLoop Loop => loop;

        public async ValueTask<int> RunAsync(long timeoutMs)
        {
            int result = await _signal.WaitAsync(timeoutMs);
            lock (slots._gate)
            {
                // Granted at the last moment, it is ours all the same.
                if (Granted) return 0;
                if (Node is not null) slots._line.Remove(Node);
                Node = null;
            }

            return result;
        }

        public void Wake(int result) => loop.Post(result == 0 ? static s => ((LoopSignal)s!).Complete(0) : static s => ((LoopSignal)s!).Complete(LookInPool), _signal);
    }
}
