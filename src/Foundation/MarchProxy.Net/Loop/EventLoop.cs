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
        _wake = Libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (_epoll < 0 || _wake < 0) throw new IOException($"The kernel refused an epoll or an eventfd: {Errno.Name(Libc.Errno)}.");
        _events = new EpollBuffer(_options.MaxEvents);
        NowMs = Environment.TickCount64;
        Timers = new TimerWheel(NowMs);
        Buffers = new BufferPool(16 << 10, _options.MaxBufferBytes);
        LargeBuffers = new BufferPool(128 << 10, _options.MaxBufferBytes);
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

    /// <summary>Sets the loop going on its own thread.</summary>
    public void Start()
    {
        if (_started) throw new InvalidOperationException("The loop runs already.");
        _started = true;
        _thread.Start();
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
            CloseDescriptors();
        }
    }

    [Conditional("DEBUG")]
    internal void AssertOnLoop() => Debug.Assert(IsCurrent, "a connection was touched off its loop");

    /// <summary>Watches a descriptor, edge-triggered unless it is a listener.</summary>
    internal unsafe int Register(IoHandle handle, int fd, uint events)
    {
        if (handle.Slot < 0)
        {
            int slot = _freeSlots.TryPop(out int free) ? free : _usedSlots++;
            if (slot == _handles.Length)
            {
                Array.Resize(ref _handles, slot * 2);
                Array.Resize(ref _generations, slot * 2);
            }

            _handles[slot] = handle;
            handle.Slot = slot;
        }

        var ev = EpollEvent.Create(events, ((ulong)_generations[handle.Slot] << 32) | (uint)handle.Slot);
        return Libc.epoll_ctl(_epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -Libc.Errno;
    }

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

    private void Run()
    {
        t_current = this;
        WatchWakeups();
        try
        {
            while (!_stopping) Turn();
            CloseHandles();
        }
        finally
        {
            CloseDescriptors();
        }
    }

    private unsafe void Turn()
    {
        int count = Libc.epoll_wait(_epoll, _events.Pointer, _events.Capacity, HasPosts ? 0 : SleepMs());
        NowMs = Environment.TickCount64;
        Turns++;
        for (int i = 0; i < count; i++)
        {
            ulong data = _events.Data(i);
            uint slot = (uint)data;
            IoHandle? handle = _handles[slot];
            if (handle is null || _generations[slot] != (uint)(data >> 32)) continue;
            try
            {
                handle.OnEvents(_events.Events(i));
            }
            catch (Exception e)
            {
                Report(e);
            }
        }

        RunPosts();
        try
        {
            Timers.Advance(NowMs);
            if (count > 0) OnIdle?.Invoke();
        }
        catch (Exception e)
        {
            Report(e);
        }
    }

    /// <summary>The wheel is coarse: one tick while anything is armed, else until woken.</summary>
    private int SleepMs() => Timers.Count > 0 ? TimerWheel.TickMs : -1;

    private void CloseHandles()
    {
        for (int i = 0; i < _usedSlots; i++)
        {
            try
            {
                (_handles[i] as IDisposable)?.Dispose();
            }
            catch (Exception e)
            {
                Report(e);
            }
        }

        RunPosts();
    }

    private void CloseDescriptors()
    {
        Libc.close(_epoll);
        Libc.close(_wake);
    }

    private void Report(Exception e)
    {
        if (OnUnhandled is { } report) report(e);
        else Environment.FailFast("An event loop's code threw and nobody listens.", e);
    }
}
