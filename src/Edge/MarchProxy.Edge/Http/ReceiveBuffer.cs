using MarchProxy.Net;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

/// <summary>What was read from a connection and not yet used, in one block; none while there is nothing. A field, never copied.</summary>
internal struct ReceiveBuffer
{
    private Block? _block;
    private int _start, _end;

    public readonly bool IsEmpty => _start == _end;

    public readonly int Length => _end - _start;

    /// <summary>Bytes read and not yet used.</summary>
    public readonly ReadOnlySpan<byte> Pending => _block is null ? default : _block.Span[_start.._end];

    /// <summary>The same, for code that crosses an await.</summary>
    public readonly ReadOnlyMemory<byte> Memory => _block is null ? default : _block.Memory[_start.._end];

    /// <summary>Whether there is a block: when not, none was left.</summary>
    public readonly bool HasBlock => _block is not null;

    /// <summary>Uses bytes up.</summary>
    public void Consume(int count)
    {
        _start += count;
        System.Diagnostics.Debug.Assert(_start <= _end, "more was used than was read");
        if (_start == _end) _start = _end = 0;
    }

    /// <summary>Reads more into the block.</summary>
    /// <param name="from">The connection.</param>
    /// <param name="loop">Its loop.</param>
    /// <param name="much">Whether much is known to come: then an empty block gives way to a large one.</param>
    /// <returns>Bytes read, 0 at the end, or a negative error number; -ENOBUFS when the block is full or none is left.</returns>
    public int TryFill(TcpConnection from, EventLoop loop, bool much = false)
    {
        if (much && IsEmpty && _block?.Owner != loop.LargeBuffers) TakeLarge(loop);
        _block ??= loop.Buffers.TryRent();
        if (_block is null) return -Errno.ENOBUFS;
        if (_end == _block.Length && !MakeRoom(loop)) return -Errno.ENOBUFS;
        int n = from.TryReceive(_block.Span[_end..]);
        if (n > 0) _end += n;
        return n;
    }

    /// <summary>Gives the block back, and forgets what is in it.</summary>
    public void Release()
    {
        if (_block is null) return;
        _block.Owner.Return(_block);
        _block = null;
        _start = _end = 0;
    }

    private void TakeLarge(EventLoop loop)
    {
        if (loop.LargeBuffers.TryRent() is not { } large) return;
        Release();
        _block = large;
    }

    /// <summary>Moves unused bytes to the front, or to a large block when a head is bigger than a small one.</summary>
    private bool MakeRoom(EventLoop loop)
    {
        if (_start > 0)
        {
            Pending.CopyTo(_block!.Span);
            _end -= _start;
            _start = 0;
            return true;
        }

        if (_block!.Owner == loop.LargeBuffers || loop.LargeBuffers.TryRent() is not { } large) return false;
        Pending.CopyTo(large.Span);
        _block.Owner.Return(_block);
        _block = large;
        return true;
    }
}
