using System.Diagnostics;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Interop;
using MarchProxy.Net.Timers;
using static MarchProxy.Net.Interop.Constants;

namespace MarchProxy.Net.Loop;

/// <summary>
/// One thread around one epoll. A connection and all that it touches belong to one loop for life and need no lock; awaits resume inline;
/// nothing on it blocks. Work from elsewhere comes by <see cref="Post(Action{object?}, object?)"/>.
/// </summary>
public sealed partial class EventLoop : IDisposable
{
    [ThreadStatic] private static EventLoop? t_current;

    private readonly EventLoopOptions _options;
    private readonly Thread _thread;
    private readonly int _epoll;
    private readonly EpollBuffer _events;
    private IoHandle?[] _handles = new IoHandle?[1024];
    private uint[] _generations = new uint[1024];
    private readonly Stack<int> _freeSlots = new();
    private int _usedSlots;
    private List<ulong> _revisits = [];
    private List<ulong> _revisiting = [];
    private readonly List<ITurnEnd> _turnEnds = [];
    private volatile bool _stopping;
    private bool _started;

    /// <summary>Makes a loop; <see cref="Start"/> sets it going.</summary>
    /// <param name="id">Its number among its siblings, from zero: the shard of its metrics.</param>
    /// <param name="options">Its bounds.</param>
    /// <exception cref="IOException">The kernel refuses the descriptors.</exception>
    public EventLoop(int id, EventLoopOptions? options = null)
    {
        Id = id;
        _options = options ?? EventLoopOptions.Default;
        _epoll = Libc.epoll_create1(EPOLL_CLOEXEC);
        _wake = _epoll < 0 ? -1 : Libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (_wake < 0)
        {
            int error = Libc.Errno;
            if (_epoll >= 0) Libc.close(_epoll);
            throw new IOException($"The kernel refused an epoll or an eventfd: {Errno.Name(error)}.");
        }

        _events = new EpollBuffer(_options.MaxEvents);
        NowMs = Environment.TickCount64;
        Timers = new TimerWheel(NowMs);
        var budget = new BufferBudget(_options.MaxBufferBytes);
        Buffers = new BufferPool(16 << 10, budget);
        LargeBuffers = new BufferPool(128 << 10, budget);
        _thread = new Thread(Run, 512 << 10) { IsBackground = true, Name = $"loop-{id}" };
    }

    /// <summary>The loop whose thread this is, or null.</summary>
    public static EventLoop? Current => t_current;

    /// <summary>Its number among its siblings, from zero.</summary>
    public int Id { get; }

    /// <summary>Milliseconds of a monotonic clock, read once a turn.</summary>
    public long NowMs { get; private set; }

    /// <summary>The timers of this loop.</summary>
    public TimerWheel Timers { get; }

    /// <summary>Blocks of 16 KiB: a request or response head and what comes with it.</summary>
    public BufferPool Buffers { get; }

    /// <summary>Blocks of 128 KiB: bulk bodies and tunnels.</summary>
    public BufferPool LargeBuffers { get; }

    /// <summary>Bytes of buffers that are out.</summary>
    public long BufferBytesInUse => ((long)Buffers.RentedCount * Buffers.BlockSize) + ((long)LargeBuffers.RentedCount * LargeBuffers.BlockSize);

    /// <summary>Whether nineteen parts in twenty of what buffers may take are out: what is left is for connections that exist.</summary>
    public bool IsShortOfBuffers => BufferBytesInUse > _options.MaxBufferBytes / 20 * 19;

    /// <summary>Turns made so far.</summary>
    public long Turns { get; private set; }

    /// <summary>Await it to continue on this loop.</summary>
    public LoopEntry Enter() => new(this);

    /// <summary>Whether the caller runs on this loop's thread.</summary>
    public bool IsCurrent => ReferenceEquals(t_current, this);

    /// <summary>Called on the loop when an action or continuation threw: a defect of ours, never a peer's doing. Set before <see cref="Start"/>.</summary>
    public Action<Exception>? OnUnhandled { get; set; }

    /// <summary>Called on the loop before it sleeps in the kernel, when this turn had work. Set before <see cref="Start"/>.</summary>
    public Action? OnIdle { get; set; }

    /// <summary>Has somebody called once, when all that this turn brought was worked on: what many did can then be sent by one call.</summary>
    /// <param name="who">Whom to call.</param>
    public void AtTurnEnd(ITurnEnd who) => _turnEnds.Add(who);

    /// <summary>Sets the loop going on its own thread.</summary>
    public void Start()
    {
        if (_started) throw new InvalidOperationException("The loop runs already.");
        _thread.Start();
        _started = true;
    }

    /// <summary>Stops after the current turn and waits for the thread. Connections that are still open are closed.</summary>
    public void Dispose()
    {
        if (_stopping) return;
        _stopping = true;
        if (_started)
        {
            Wake();
            if (!IsCurrent) _thread.Join();
        }
        else
        {
            CloseHandles();
            CloseDescriptors();
            _ended = true;
        }
    }

    /// <summary>Whether the loop is about to end: nothing new may begin on it.</summary>
    internal bool IsStopping => _stopping;

    [Conditional("DEBUG")]
    internal void AssertOnLoop() => Debug.Assert(IsCurrent || !_started, "a connection was touched off its loop");

    /// <summary>Takes a handle into the loop's care: it has a slot from now on, and is closed with the loop.</summary>
    internal void Adopt(IoHandle handle)
    {
        AssertOnLoop();
        int slot = _freeSlots.TryPop(out int free) ? free : _usedSlots++;
        if (slot == _handles.Length)
        {
            Array.Resize(ref _handles, slot * 2);
            Array.Resize(ref _generations, slot * 2);
        }

        _handles[slot] = handle;
        handle.Slot = slot;
    }

    /// <summary>Watches the descriptor of an adopted handle, edge-triggered unless it is a listener.</summary>
    internal unsafe int Register(IoHandle handle, int fd, uint events)
    {
        var ev = EpollEvent.Create(events, Key(handle));
        return Libc.epoll_ctl(_epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -Libc.Errno;
    }

    /// <summary>
    /// Has a handle called next turn as if its descriptor were readable: it has had its share of this turn, and the edge that told of
    /// what is left will not come again.
    /// </summary>
    internal void Revisit(IoHandle handle) => _revisits.Add(Key(handle));

    /// <summary>Forgets a descriptor that is about to be closed (closing takes it out of epoll). Events already fetched for it are dropped.</summary>
    internal void Unregister(IoHandle handle)
    {
        int slot = handle.Slot;
        if (slot < 0) return;
        _handles[slot] = null;
        _generations[slot]++;
        _freeSlots.Push(slot);
        handle.Slot = -1;
    }

    internal unsafe void Unwatch(int fd)
    {
        EpollEvent none = default;
        Libc.epoll_ctl(_epoll, EPOLL_CTL_DEL, fd, &none);
    }

    private ulong Key(IoHandle handle) => ((ulong)_generations[handle.Slot] << 32) | (uint)handle.Slot;

    private void Run()
    {
        t_current = this;
        try
        {
            WatchWakeups();
            while (!_stopping) Turn();
            CloseHandles();
            ClosePosts();
            CloseHandles();
        }
        finally
        {
            CloseDescriptors();
        }
    }

    private unsafe void Turn()
    {
        int count = Libc.epoll_wait(_epoll, _events.Pointer, _events.Capacity, HasPosts || _revisits.Count > 0 ? 0 : SleepMs());
        NowMs = Environment.TickCount64;
        Turns++;
        (_revisits, _revisiting) = (_revisiting, _revisits);
        for (int i = 0; i < count; i++) Dispatch(_events.Data(i), _events.Events(i));
        bool worked = count > 0 | RunRevisits() | RunPosts() | RunTimers();
        if (_turnEnds.Count > 0) RunTurnEnds();
        if (!worked || OnIdle is not { } idle) return;
        try
        {
            idle();
        }
        catch (Exception e)
        {
            Report(e);
        }
    }

    private void Dispatch(ulong key, uint events)
    {
        uint slot = (uint)key;
        IoHandle? handle = _handles[slot];
        if (handle is null || _generations[slot] != (uint)(key >> 32)) return;
        try
        {
            handle.OnEvents(events);
        }
        catch (Exception e)
        {
            Report(e);
        }
    }

    private bool RunRevisits()
    {
        if (_revisiting.Count == 0) return false;
        foreach (ulong key in _revisiting) Dispatch(key, EPOLLIN);
        _revisiting.Clear();
        return true;
    }

    /// <summary>Those who are called may ask to be called once more.</summary>
    private void RunTurnEnds()
    {
        for (int i = 0; i < _turnEnds.Count; i++)
        {
            try
            {
                _turnEnds[i].OnTurnEnd();
            }
            catch (Exception e)
            {
                Report(e);
            }
        }

        _turnEnds.Clear();
    }

    private bool RunTimers()
    {
        try
        {
            return Timers.Advance(NowMs);
        }
        catch (Exception e)
        {
            Report(e);
            return true;
        }
    }

    /// <summary>The wheel is coarse: one tick while anything is armed, else until woken.</summary>
    private int SleepMs() => Timers.Count > 0 ? TimerWheel.TickMs : -1;

    /// <summary>Closes what is open. That resumes whoever waited, and such code may adopt handles into slots already passed: hence the rounds.</summary>
    private void CloseHandles()
    {
        bool closedAny = true;
        for (int round = 0; closedAny && round < 8; round++)
        {
            closedAny = false;
            for (int i = 0; i < _usedSlots; i++)
            {
                if (_handles[i] is not IDisposable handle) continue;
                closedAny = true;
                try
                {
                    handle.Dispose();
                }
                catch (Exception e)
                {
                    Report(e);
                }
            }
        }
    }

    private void CloseDescriptors()
    {
        Libc.close(_epoll);
        CloseWakeups();
    }

    private void Report(Exception e)
    {
        if (OnUnhandled is { } report) report(e);
        else Environment.FailFast("An event loop's code threw and nobody listens.", e);
    }
}
