using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace MarchProxy.Bench.Load;

/// <summary>Latencies of a paced load, in microseconds from the time at which a request was due.</summary>
/// <param name="Requests">Answered requests that count.</param>
/// <param name="P50">Median.</param>
/// <param name="P99">99th percentile.</param>
/// <param name="P999">99.9th percentile.</param>
/// <param name="Max">The worst.</param>
internal sealed record PacedReport(int Requests, double P50, double P99, double P999, double Max);

/// <summary>
/// Open-loop HTTP load: request <c>n</c> is due at <c>n / rate</c>, whatever became of those before it. When every connection is
/// busy it waits for one, and that wait counts: a server that stalls cannot hide by slowing the load down (coordinated omission).
/// One thread, one request in flight on a connection, no allocation while it runs.
/// </summary>
internal sealed class PacedLoad : IDisposable
{
    /// <summary>The first answers, in which connections warm up, do not count.</summary>
    private static readonly TimeSpan Lead = TimeSpan.FromSeconds(0.5);

    /// <summary>How long past its end a load waits for answers.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly byte[] _request;
    private readonly Flow[] _flows;
    private readonly Native.PollFd[] _fds;
    private readonly Stack<int> _free;

    /// <summary>Opens the connections to the ingress on <paramref name="port"/>.</summary>
    public PacedLoad(int port, string path, int connections)
    {
        _request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {Site.TestBed.Host}\r\n\r\n");
        _flows = [.. Enumerable.Range(0, connections).Select(_ => new Flow(Loopback.Connect(port)))];
        _fds = [.. _flows.Select(flow => new Native.PollFd { Fd = flow.Fd, Events = Native.PollIn })];
        _free = new Stack<int>(Enumerable.Range(0, connections));
    }

    /// <summary>Sends <paramref name="rate"/> requests a second for a while and waits for the last answer.</summary>
    /// <exception cref="BenchException">A connection was closed, or an answer was not a 200 with a length.</exception>
    public PacedReport Run(double rate, TimeSpan duration)
    {
        Native.SharpenTimers();
        int total = (int)(rate * duration.TotalSeconds);
        int lead = Math.Min(total / 2, (int)(rate * Lead.TotalSeconds));
        long[] latencies = new long[total];
        double ticksPerRequest = Stopwatch.Frequency / rate;
        long began = Stopwatch.GetTimestamp();
        int sent = 0, done = 0;
        while (done < total)
        {
            long now = Stopwatch.GetTimestamp();
            while (sent < total && _free.Count > 0 && Due(sent) <= now) SendOn(_free.Pop(), sent++);
            if (Stopwatch.GetElapsedTime(began, now) > duration + Patience) throw new BenchException($"{sent - done} requests are without an answer");
            if (Native.Poll(_fds, Wait(now, sent < total && _free.Count > 0 ? Due(sent) : long.MaxValue)) <= 0) continue;
            for (int i = 0; i < _fds.Length; i++)
            {
                if (_fds[i].Returned == 0 || !_flows[i].Read()) continue;
                latencies[done++] = _flows[i].Number >= lead ? Stopwatch.GetTimestamp() - Due(_flows[i].Number) : -1;
                _free.Push(i);
            }
        }

        return Report(latencies);

        long Due(int number) => began + (long)(number * ticksPerRequest);
    }

    public void Dispose()
    {
        foreach (Flow flow in _flows) flow.Dispose();
    }

    private static TimeSpan Wait(long now, long due) => due == long.MaxValue
        ? TimeSpan.FromMilliseconds(100)
        : due <= now ? TimeSpan.Zero : Stopwatch.GetElapsedTime(now, due);

    private static PacedReport Report(long[] latencies)
    {
        long[] counted = [.. latencies.Where(l => l >= 0).Order()];
        return new PacedReport(counted.Length, At(0.5), At(0.99), At(0.999), At(1));

        double At(double quantile) => counted[(int)Math.Min(counted.Length - 1, quantile * counted.Length)] * 1e6 / Stopwatch.Frequency;
    }

    private void SendOn(int index, int number)
    {
        Flow flow = _flows[index];
        flow.Number = number;
        if (Native.Send(flow.Fd, _request) != _request.Length) throw new BenchException("a connection was closed under load");
    }

    /// <summary>One connection and the answer that is on its way.</summary>
    private sealed class Flow(Socket socket) : IDisposable
    {
        private readonly byte[] _buffer = new byte[64 * 1024];
        private int _filled;

        public int Fd { get; } = socket.Descriptor();

        /// <summary>Number of the request in flight.</summary>
        public int Number { get; set; }

        public void Dispose() => socket.Dispose();

        /// <summary>Reads what is there; true once the answer is whole.</summary>
        public bool Read()
        {
            int n = Native.Receive(Fd, _buffer.AsSpan(_filled));
            if (n < 0 && Marshal.GetLastPInvokeError() == Native.Again) return false;
            if (n <= 0) throw new BenchException("a connection was closed under load");
            _filled += n;
            ReadOnlySpan<byte> seen = _buffer.AsSpan(0, _filled);
            int head = seen.IndexOf("\r\n\r\n"u8);
            if (head < 0 || _filled < head + 4 + Length(seen[..(head + 2)])) return false;
            _filled = 0;
            return true;
        }

        private static int Length(ReadOnlySpan<byte> head)
        {
            if (!head.StartsWith("HTTP/1.1 200"u8)) throw new BenchException($"refused: {Encoding.ASCII.GetString(head[..head.IndexOf((byte)'\r')])}");
            int at = Math.Max(head.IndexOf("Content-Length: "u8), head.IndexOf("content-length: "u8));
            if (at < 0) throw new BenchException("an answer without Content-Length");
            int length = 0;
            for (at += "Content-Length: ".Length; head[at] is >= (byte)'0' and <= (byte)'9'; at++) length = (length * 10) + head[at] - '0';
            return length;
        }
    }
}
