using System.Net.Sockets;
using System.Runtime.InteropServices;
using MarchProxy.Net.Loop;

namespace MarchProxy.Net.Tests.Tcp;

public sealed partial class DescriptorExhaustionTests
{
    private const int RLIMIT_NOFILE = 7;

    [Fact]
    public async Task Without_descriptors_a_client_is_told_at_once_and_the_listener_lives_on()
    {
        using var loop = new EventLoop(0);
        int served = 0;
        TcpListener listener = TcpListener.Open(loop, LoopTest.Loopback, c =>
        {
            served++;
            c.TrySend("ok"u8);
            c.Close();
        });
        loop.Start();
        Assert.Equal(2, Ask(ListenerTests.Connect(listener.Local)));
        using var starved = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        int told;
        using (new NoDescriptors())
        {
            starved.Connect(listener.Local.Address!, listener.Local.Port);
            told = Ask(starved);
        }

        Assert.True(told <= 0, $"{told} bytes");
        Assert.Equal(2, Ask(ListenerTests.Connect(listener.Local)));
        Assert.Equal((2, 1L), await loop.InvokeAsync(() => (served, listener.Refused)));
    }

    [Fact]
    public async Task A_listener_that_lost_its_reserve_too_pauses_and_takes_it_back()
    {
        using var loop = new EventLoop(0);
        TcpListener listener = TcpListener.Open(loop, LoopTest.Loopback, c =>
        {
            c.TrySend("ok"u8);
            c.Close();
        });
        using var starved = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        loop.Start();
        Func<Task<long>> turns = async () =>
        {
            long before = loop.Turns;
            await new LoopSignal(loop).WaitAsync(60);
            return loop.Turns - before;
        };

        // Once before, so that the runtime has loaded what it needs while it still can.
        await loop.InvokeAsync(turns).WaitAsync(LoopTest.Patience);
        using ManualResetEventSlim gate = new(), held = new();
        loop.Post(() =>
        {
            held.Set();
            gate.Wait();
        });

        // Not before the loop is held: a loop that still runs would take the client by its reserve.
        Assert.True(held.Wait(LoopTest.Patience));
        using (var none = new NoDescriptors())
        {
            starved.Connect(listener.Local.Address!, listener.Local.Port);
            none.ForbidAll();
            gate.Set();

            // It tries the reserve in vain, once a pause, not in a spin.
            Assert.InRange(await loop.InvokeAsync(turns).WaitAsync(LoopTest.Patience), 1, 100);
        }

        Assert.Equal(2, Ask(starved));
        Assert.True(await loop.InvokeAsync(() => listener.Errors) >= 1);

        // The reserve is there again: the next shortage is told at once.
        using var next = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        using (new NoDescriptors())
        {
            next.Connect(listener.Local.Address!, listener.Local.Port);
            Assert.True(Ask(next) <= 0);
        }
    }

    private static int Ask(Socket socket)
    {
        try
        {
            return socket.Receive(new byte[10]);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return -1;
        }
    }

    /// <summary>Takes every descriptor below a lowered limit, and puts both right again.</summary>
    private sealed partial class NoDescriptors : IDisposable
    {
        private readonly Limit _old;
        private readonly List<int> _taken = [];

        public NoDescriptors()
        {
            Assert.Equal(0, getrlimit(RLIMIT_NOFILE, out _old));
            int highest = Directory.GetFileSystemEntries("/proc/self/fd").Max(f => int.Parse(Path.GetFileName(f)));
            Set((ulong)highest + 1);
            while (dup(0) is var fd && fd >= 0) _taken.Add(fd);
        }

        public void ForbidAll() => Set(0);

        public void Dispose()
        {
            Set(_old.Current);
            _taken.ForEach(fd => close(fd));
        }

        private void Set(ulong current)
        {
            var limit = new Limit { Current = current, Max = _old.Max };
            Assert.Equal(0, setrlimit(RLIMIT_NOFILE, in limit));
        }

        private struct Limit
        {
            public ulong Current, Max;
        }

        [LibraryImport("libc")]
        private static partial int getrlimit(int resource, out Limit limit);

        [LibraryImport("libc")]
        private static partial int setrlimit(int resource, in Limit limit);

        [LibraryImport("libc")]
        private static partial int dup(int fd);

        [LibraryImport("libc")]
        private static partial int close(int fd);
    }
}
