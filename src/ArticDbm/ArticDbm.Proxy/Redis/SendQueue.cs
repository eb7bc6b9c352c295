using System.Buffers;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Redis;

/// <summary>Bytes that wait to be sent: nothing while there is nothing, else one block of the loop, a large one, and an array of its own above that. A field, never copied.</summary>
internal struct SendQueue
{
    private Block? _block;
    private byte[]? _array;
    private int _start, _end;

    /// <summary>Bytes that wait.</summary>
    public readonly int Length => _end - _start;

    private readonly Span<byte> Room => _array is not null ? _array : _block is null ? default : _block.Span;

    /// <summary>Adds bytes.</summary>
    public void Append(EventLoop loop, ReadOnlySpan<byte> data)
    {
        if (Room.Length - _end < data.Length) Grow(loop, data.Length);
        data.CopyTo(Room[_end..]);
        _end += data.Length;
    }

    /// <summary>Sends what can be sent now.</summary>
    /// <returns>Zero when all went; -EAGAIN when the rest must wait; or another negative error number.</returns>
    public int Flush(TcpConnection to)
    {
        while (_start < _end)
        {
            int sent = to.TrySend(Room[_start.._end]);
            if (sent < 0) return sent;
            _start += sent;
        }

        Release();
        return 0;
    }

    /// <summary>Takes over all that waits in another queue.</summary>
    public void Take(EventLoop loop, ref SendQueue other)
    {
        if (other.Length > 0) Append(loop, other.Room[other._start..other._end]);
        other.Release();
    }

    /// <summary>Gives the room back, and forgets what is in it.</summary>
    public void Release()
    {
        if (_block is not null) _block.Owner.Return(_block);
        if (_array is not null) ArrayPool<byte>.Shared.Return(_array);
        _block = null;
        _array = null;
        _start = _end = 0;
    }

    private void Grow(EventLoop loop, int more)
    {
        int length = Length;
        if (_start > 0 && Room.Length - length >= more)
        {
            Room[_start.._end].CopyTo(Room);
            (_start, _end) = (0, length);
            return;
        }

        Block? block = null;
        byte[]? array = null;
        long wanted = (long)length + more;
        if (wanted <= loop.Buffers.BlockSize) block = loop.Buffers.TryRent();
        else if (wanted <= loop.LargeBuffers.BlockSize) block = loop.LargeBuffers.TryRent();
        Span<byte> room = block is null ? (array = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, Math.Max(wanted, 2L * length)))) : block.Span;
        Room[_start.._end].CopyTo(room);
        Release();
        (_block, _array, _end) = (block, array, length);
    }
}
