using System.Diagnostics;
using System.Net.Sockets;

namespace MarchProxy.Bench.Load;

/// <summary>Flows that read as fast as they can from a <see cref="BulkSource"/> behind a proxy; the bytes are dropped in the kernel.</summary>
internal sealed class BulkLoad : IDisposable
{
    private const int AtMost = 1 << 20;
    private readonly List<Socket> _flows = [];

    /// <summary>Opens the flows.</summary>
    /// <param name="port">The proxy's port.</param>
    /// <param name="flows">How many, at least one.</param>
    /// <param name="connect">The head of a CONNECT request to send first; null for a port that forwards at once.</param>
    /// <exception cref="BenchException">The proxy refused the tunnel.</exception>
    public BulkLoad(int port, int flows, string? connect)
    {
        for (int i = 0; i < flows; i++)
        {
            Socket flow = Loopback.Connect(port);
            _flows.Add(flow);
            if (connect is not null) flow.Exchange(connect);
        }
    }

    /// <summary>Reads for a while; the bytes that came.</summary>
    /// <exception cref="BenchException">A flow ended.</exception>
    public long Receive(TimeSpan duration)
    {
        Native.PollFd[] fds = [.. _flows.Select(flow => new Native.PollFd { Fd = flow.Descriptor(), Events = Native.PollIn })];
        long bytes = 0;
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < duration)
        {
            if (Native.Poll(fds, TimeSpan.FromMilliseconds(50)) <= 0) continue;
            foreach (ref Native.PollFd fd in fds.AsSpan())
            {
                if (fd.Returned == 0) continue;
                int n = Native.Discard(fd.Fd, AtMost);
                if (n == 0) throw new BenchException("a flow was closed");
                if (n > 0) bytes += n;
            }
        }

        return bytes;
    }

    public void Dispose()
    {
        foreach (Socket flow in _flows) flow.Dispose();
    }
}
