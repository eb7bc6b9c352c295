using System.Buffers;
using System.Diagnostics;
using MarchProxy.Net.Buffers;
using MarchProxy.Net.Loop;

namespace MarchProxy.Net.Tcp;

/// <summary>
/// What was read from a connection and not yet used: nothing while there is nothing, else one block of the loop, a large one when a message is bigger, and
/// an array of its own for the few that are bigger still. A field, never copied.
/// </summary>
public struct StreamInput
{
    private Block? _block;
    private byte[]? _array;
    private int _start, _end;

    /// <summary>Whether nothing waits.</summary>
    public readonly bool IsEmpty => _start == _end;

    /// <summary>Bytes that wait.</summary>
    public readonly int Length => _end - _start;

    /// <summary>Bytes read and not yet used.</summary>
    public readonly ReadOnlySpan<byte> Pending => Room[_start.._end];

    /// <summary>The same, for protocols whose frames are numbered and must be numbered anew before they go on.</summary>
    public readonly Span<byte> Writable => Room[_start.._end];

    /// <summary>The same, for code that crosses an await.</summary>
    public readonly ReadOnlyMemory<byte> Memory => _array is not null ? _array.AsMemory(_start, _end - _start) : _block is null ? default : _block.Memory[_start.._end];

    private readonly Span<byte> Room => _array is not null ? _array : _block is null ? default : _block.Span;

    /// <summary>Uses bytes up.</summary>
    /// <param name="count">How many.</param>
    public void Consume(int count)
    {
        _start += count;
        Debug.Assert(_start <= _end, "more was used than was read");
        if (_start == _end) _start = _end = 0;
    }

    /// <summary>Reads more.</summary>
    /// <param name="from">The connection.</param>
    /// <param name="most">Bytes that may wait at most; above a large block they take an array.</param>
    /// <returns>Bytes read, 0 at the end, or a negative error number; -ENOBUFS when there is no room.</returns>
    public int TryFill(TcpConnection from, int most = 0)
    {
        if (_block is null && _array is null && (_block = from.Loop.Buffers.TryRent()) is null) return -Errno.ENOBUFS;
        if (_end == Room.Length && !MakeRoom(from.Loop, most)) return -Errno.ENOBUFS;
        int n = from.TryReceive(Room[_end..]);
        if (n > 0) _end += n;
        return n;
    }

    /// <summary>Has an empty input read by large blocks from here on: much is known to come.</summary>
    /// <param name="loop">The loop.</param>
    public void ExpectMuch(EventLoop loop)
    {
        if (!IsEmpty || _array is not null || _block?.Owner == loop.LargeBuffers || loop.LargeBuffers.TryRent() is not { } large) return;
        Release();
        _block = large;
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

    private bool MakeRoom(EventLoop loop, int most)
    {
        if (_start > 0)
        {
            Pending.CopyTo(Room);
            _end -= _start;
            _start = 0;
            return true;
        }

        if (_array is null && _block!.Owner != loop.LargeBuffers && loop.LargeBuffers.TryRent() is { } large)
        {
            Pending.CopyTo(large.Span);
            _block.Owner.Return(_block);
            _block = large;
            return true;
        }

        if (Room.Length >= most) return false;
        byte[] bigger = ArrayPool<byte>.Shared.Rent((int)Math.Min(most, (long)Room.Length * 2));
        Pending.CopyTo(bigger);
        int length = Length;
        Release();
        _array = bigger;
        _end = length;
        return true;
    }
}
