using System.Runtime.CompilerServices;

namespace MarchProxy.Net.Buffers;

/// <summary>A piece of a pinned slab. It is owned by whoever rented it and goes back once, through <see cref="BufferPool.Return"/>.</summary>
public sealed class Block
{
    /// <summary>The pool to give it back to.</summary>
    public BufferPool Owner { get; }
    internal readonly byte[] Slab;
    internal readonly int Offset;
    internal bool Rented;

    internal Block(BufferPool owner, byte[] slab, int offset, int length)
    {
        Owner = owner;
        Slab = slab;
        Offset = offset;
        Length = length;
    }

    /// <summary>Bytes in this block.</summary>
    public int Length { get; }

    /// <summary>The whole block.</summary>
    public Span<byte> Span
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Slab.AsSpan(Offset, Length);
    }

    /// <summary>The whole block, for code that crosses an await.</summary>
    public Memory<byte> Memory => Slab.AsMemory(Offset, Length);
}
