using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Bench.Load;

/// <summary>A TCP server that sends to everyone who connects, as fast as they read, until they go; one thread.</summary>
internal sealed class BulkSource : IDisposable
{
    /// <summary>Of one send: more than a socket takes at once on loopback, so that a call fills it.</summary>
    private const int Chunk = 256 * 1024;

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _flows = [];
    private readonly Thread _thread;
    private volatile bool _stop;

    public BulkSource()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1024);
        _thread = new Thread(Serve) { IsBackground = true, Name = "bulk-source" };
        _thread.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
        _listener.Dispose();
        foreach (Socket flow in _flows) flow.Dispose();
    }

    private void Serve()
    {
        byte[] chunk = new byte[Chunk];
        new Random(2).NextBytes(chunk);
        Native.PollFd[] fds = Watch();
        while (!_stop)
        {
            if (Native.Poll(fds, TimeSpan.FromMilliseconds(50)) <= 0) continue;
            bool changed = false;
            for (int i = 1; i < fds.Length; i++)
                if (fds[i].Returned != 0 && Native.Send(fds[i].Fd, chunk) <= 0) changed |= Drop(fds[i].Fd);
            if (fds[0].Returned != 0)
            {
                _flows.Add(_listener.Accept());
                changed = true;
            }

            if (changed) fds = Watch();
        }
    }

    private bool Drop(int fd)
    {
        int at = _flows.FindIndex(flow => flow.Descriptor() == fd);
        _flows[at].Dispose();
        _flows.RemoveAt(at);
        return true;
    }

    private Native.PollFd[] Watch() =>
    [
        new() { Fd = _listener.Descriptor(), Events = Native.PollIn },
        .. _flows.Select(flow => new Native.PollFd { Fd = flow.Descriptor(), Events = Native.PollOut }),
    ];
}
