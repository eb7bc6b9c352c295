using System.Numerics;

namespace MarchProxy.Edge.Http1;

/// <summary>Writes chunked framing around payload (RFC 9112 section 7.1).</summary>
internal static class ChunkFrame
{
    /// <summary>Bytes that <see cref="WriteSize"/> takes at most: eight digits and CRLF.</summary>
    public const int MaxSizeLine = 10;

    /// <summary>Ends each chunk's data.</summary>
    public static ReadOnlySpan<byte> End => "\r\n"u8;

    /// <summary>The last chunk's size line; the trailer section follows.</summary>
    public static ReadOnlySpan<byte> LastSize => "0\r\n"u8;

    /// <summary>Ends the message: the last chunk and an empty trailer section.</summary>
    public static ReadOnlySpan<byte> Last => "0\r\n\r\n"u8;

    /// <summary>Writes the size line of a chunk of <paramref name="length"/> (at least 1) bytes; returns how long it is.</summary>
    public static int WriteSize(Span<byte> target, int length)
    {
        int digits = (32 - BitOperations.LeadingZeroCount((uint)length) + 3) / 4;
        for (int i = digits - 1; i >= 0; i--, length >>= 4) target[i] = "0123456789abcdef"u8[length & 0xF];
        End.CopyTo(target[digits..]);
        return digits + 2;
    }
}
