using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Bench.Load;

/// <summary>Flows of datagrams to an echo behind a proxy: each keeps some on their way, and sends the next when one comes back.</summary>
internal sealed class UdpLoad : IDisposable
{
    /// <summary>Of the size of a DNS answer or a game's update.</summary>
    private const int Size = 128;

    /// <summary>A flow that hears nothing for so long has lost what it sent, and sends anew.</summary>
    private static readonly TimeSpan s_lost = TimeSpan.FromMilliseconds(100);
    private readonly Socket[] _flows;
    private readonly int _window;

    public UdpLoad(int port, int flows, int window)
    {
        _window = window;
        _flows = new Socket[flows];
        for (int i = 0; i < flows; i++)
        {
            _flows[i] = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 20 };
            _flows[i].Connect(new IPEndPoint(IPAddress.Loopback, port));
        }
    }

    /// <summary>Sends for a while.</summary>
    /// <returns>Datagrams that came back, and those that did not.</returns>
    /// <exception cref="BenchException">Not one came back.</exception>
    public (long Answered, long Lost) Run(TimeSpan duration)
    {
        byte[] datagram = new byte[Size], answer = new byte[2048];
        Native.PollFd[] fds = [.. _flows.Select(f => new Native.PollFd { Fd = f.Descriptor(), Events = Native.PollIn })];
        int[] waiting = new int[_flows.Length];
        long[] heard = new long[_flows.Length];
        long answered = 0, lost = 0, began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < duration)
        {
            for (int i = 0; i < fds.Length; i++)
            {
                if (waiting[i] > 0 && Stopwatch.GetElapsedTime(heard[i]) > s_lost)
                {
                    lost += waiting[i];
                    waiting[i] = 0;
                }

                if (waiting[i] == 0) heard[i] = Stopwatch.GetTimestamp();
                while (waiting[i] < _window && Native.Send(fds[i].Fd, datagram) == Size) waiting[i]++;
            }

            if (Native.Poll(fds, TimeSpan.FromMilliseconds(20)) <= 0) continue;
            for (int i = 0; i < fds.Length; i++)
            {
                if (fds[i].Returned == 0) continue;
                while (Native.Receive(fds[i].Fd, answer) > 0)
                {
                    answered++;
                    waiting[i] = Math.Max(0, waiting[i] - 1);
                    heard[i] = Stopwatch.GetTimestamp();
                }
            }
        }

        return answered > 0 ? (answered, lost) : throw new BenchException("no datagram came back");
    }

    public void Dispose()
    {
        foreach (Socket flow in _flows) flow.Dispose();
    }
}
