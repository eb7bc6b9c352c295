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

    /// <summary>What came through is not what the tunnel was opened for.</summary>
    Denied,
}

/// <summary>
/// Bytes between two streams of one loop, both ways, with half-close: CONNECT, upgrades and dedicated TCP listeners. Each direction holds a
/// buffer only while it has bytes, reads only when the last were written (so that a slow reader stops the sender), and ends by itself.
/// </summary>
internal sealed class Tunnel(EventLoop loop, IByteStream client, IByteStream upstream, long idleMs)
{
    private long _lastActivity;
    private TunnelEnd _end = TunnelEnd.Completed;
    private bool _failed;

    /// <summary>Watches the client's first bytes; null when anything may pass.</summary>
    public HelloGuard? Guard { get; init; }

    /// <summary>For the guard to come to a decision, in milliseconds.</summary>
    public long GuardMs { get; init; }

    /// <summary>Bytes that the client sent before the tunnel began; they go first.</summary>
    public ReadOnlyMemory<byte> Early { get; init; }

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

    private async ValueTask<int> PumpAsync(IByteStream from, IByteStream to, bool towardsUpstream)
    {
        if (towardsUpstream && (Guard is not null || !Early.IsEmpty) && await BeginAsync() is var begun and <= 0) return begun;
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

    /// <summary>Holds the client's first bytes until the guard has seen enough of them, then sends them on.</summary>
    /// <returns>1 to go on, 0 at the end of the stream, negative after a failure.</returns>
    private async ValueTask<int> BeginAsync()
    {
        byte[] held = Early.Length > ClientHello.MaxBytes || Guard is null ? Early.ToArray() : new byte[ClientHello.MaxBytes];
        Early.CopyTo(held);
        int length = Early.Length;
        bool ended = false;
        while (Guard is { } guard)
        {
            bool? passes = length == 0 ? null : guard.Inspect(held.AsSpan(0, length));
            if (passes == true) break;
            if (passes == false || ended || length == held.Length) return await DenyAsync(length);
            int ready = await client.ReadableAsync(GuardMs);
            if (_failed) return -Errno.ECANCELED;
            if (ready == -Errno.ETIMEDOUT && length == 0) continue;
            if (ready < 0) return ready == -Errno.ETIMEDOUT ? await DenyAsync(length) : Fail(Broken(true));
            int n = client.TryReceive(held.AsSpan(length));
            if (n == -Errno.EAGAIN) continue;
            if (n < 0) return Fail(Broken(true));
            if (n == 0 && length == 0)
            {
                upstream.ShutdownSend();
                return 0;
            }

            ended = n == 0;
            length += n;
        }

        _lastActivity = loop.NowMs;
        BytesUp += length;
        int sent = length == 0 ? 0 : await upstream.SendAllAsync(held.AsMemory(0, length), idleMs);
        return sent < 0 ? Fail(Broken(false)) : 1;
    }

    private async ValueTask<int> DenyAsync(int length)
    {
        BytesUp += length;
        if (BytesDown == 0) await client.SendAllAsync(HelloGuard.Alert, GuardMs);
        return Fail(TunnelEnd.Denied);
    }

    /// <summary>Moves what is there, until the source is empty.</summary>
    /// <returns>1 to go on, 0 at the end of the stream, negative after a failure.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> MoveAsync(IByteStream from, IByteStream to, bool towardsUpstream)
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
    private ValueTask<int> WaitAsync(IByteStream from)
    {
        ValueTask<int> ready = from.ReadableAsync(idleMs);
        return ready.IsCompleted || idleMs <= 0 ? ready : WaitBothQuietAsync(from, ready);
    }

    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> WaitBothQuietAsync(IByteStream from, ValueTask<int> ready)
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
