using System.Runtime.CompilerServices;
using MarchProxy.Net;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Tunnels;

/// <summary>How a tunnel ended: which side, and why.</summary>
internal enum TunnelEnd
{
    /// <summary>Both sides ended their stream.</summary>
    Completed,

    /// <summary>The client reset or its connection failed.</summary>
    ClientAborted,

    /// <summary>The upstream reset or its connection failed.</summary>
    UpstreamAborted,

    /// <summary>No byte passed for the idle time.</summary>
    IdleTimeout,

    /// <summary>We closed it: a policy no longer allows it, or we drain.</summary>
    Closed,

    /// <summary>No buffer was left.</summary>
    Overload,
}

/// <summary>
/// Bytes between two connections of one loop, both ways, with half-close: CONNECT, upgrades and dedicated TCP listeners. Each direction holds a
/// buffer only while it has bytes, reads only when the last were written (so that a slow reader stops the sender), and ends by itself.
/// </summary>
internal sealed class Tunnel(EventLoop loop, TcpConnection client, TcpConnection upstream, long idleMs)
{
    private long _lastActivity;
    private TunnelEnd _end = TunnelEnd.Completed;
    private bool _failed;

    /// <summary>Bytes from the client to the upstream.</summary>
    public long BytesUp { get; private set; }

    /// <summary>Bytes from the upstream to the client.</summary>
    public long BytesDown { get; private set; }

    /// <summary>Runs until both directions have ended or one failed; closes both connections.</summary>
    public async ValueTask<TunnelEnd> RunAsync()
    {
        _lastActivity = loop.NowMs;
        ValueTask<int> up = PumpAsync(client, upstream, towardsUpstream: true);
        await PumpAsync(upstream, client, towardsUpstream: false);
        await up;
        client.Close();
        upstream.Close();
        return _end;
    }

    /// <summary>Ends the tunnel now.</summary>
    public void Close() => Fail(TunnelEnd.Closed);

    private async ValueTask<int> PumpAsync(TcpConnection from, TcpConnection to, bool towardsUpstream)
    {
        while (!_failed)
        {
            int ready = await WaitAsync(from);
            if (ready < 0) return Fail(ready == -Errno.ETIMEDOUT ? TunnelEnd.IdleTimeout : Broken(towardsUpstream));
            int result = await MoveAsync(from, to, towardsUpstream);
            if (result > 0) continue;
            if (result < 0) return result;

            // The peer's FIN goes on as ours; the other direction may still have much to say.
            to.ShutdownSend();
            return 0;
        }

        return 0;
    }

    /// <summary>Moves what is there, until the source is empty.</summary>
    /// <returns>1 to go on, 0 at the end of the stream, negative after a failure.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> MoveAsync(TcpConnection from, TcpConnection to, bool towardsUpstream)
    {
        BufferPool pool = loop.LargeBuffers;
        Block? block = pool.TryRent();
        if (block is null) return Fail(TunnelEnd.Overload);
        try
        {
            while (true)
            {
                int n = from.TryReceive(block.Span);
                if (n == 0) return 0;
                if (n == -Errno.EAGAIN) return 1;
                if (n < 0) return Fail(Broken(towardsUpstream));
                _lastActivity = loop.NowMs;
                int sent = await to.SendAllAsync(block.Memory[..n], idleMs);
                if (sent < 0) return Fail(sent == -Errno.ETIMEDOUT ? TunnelEnd.IdleTimeout : Broken(!towardsUpstream));
                if (towardsUpstream) BytesUp += n;
                else BytesDown += n;
                if (n < block.Length / 2) return 1;
            }
        }
        finally
        {
            pool.Return(block);
        }
    }

    /// <summary>Waits for bytes; a quiet direction lives as long as the other is busy.</summary>
    private ValueTask<int> WaitAsync(TcpConnection from)
    {
        ValueTask<int> ready = from.ReadableAsync(idleMs);
        return ready.IsCompleted || idleMs <= 0 ? ready : WaitBothQuietAsync(from, ready);
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> WaitBothQuietAsync(TcpConnection from, ValueTask<int> ready)
    {
        while (true)
        {
            int result = await ready;
            if (result != -Errno.ETIMEDOUT) return result;
            long quiet = loop.NowMs - _lastActivity;
            if (quiet >= idleMs) return result;
            ready = from.ReadableAsync(idleMs - quiet);
        }
    }

    private static TunnelEnd Broken(bool clientSide) => clientSide ? TunnelEnd.ClientAborted : TunnelEnd.UpstreamAborted;

    private int Fail(TunnelEnd end)
    {
        if (_failed) return -Errno.ECANCELED;
        _failed = true;
        _end = end;

        // A reset on one side is a reset on the other: neither peer may take a cut stream for a whole one.
        bool cut = end is TunnelEnd.ClientAborted or TunnelEnd.UpstreamAborted;
        if (cut)
        {
            client.Abort();
            upstream.Abort();
        }
        else
        {
            client.Close();
            upstream.Close();
        }

        return -Errno.ECANCELED;
    }
}
