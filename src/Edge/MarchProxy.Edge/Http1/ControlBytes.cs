using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MarchProxy.Edge.Http1;

/// <summary>
/// Finds the bytes that no line of a head may hold: CTL but HTAB (RFC 9110 section 5.5, RFC 5234). The first one
/// found is the line's CR, or an offence, so one search both ends the line and validates it.
/// </summary>
internal static class ControlBytes
{
    /// <summary>Offset of the first control byte at or after <paramref name="from"/>, or the length when there is none.</summary>
    public static int IndexOf(ReadOnlySpan<byte> bytes, int from)
    {
        ref byte start = ref MemoryMarshal.GetReference(bytes);
        int i = from;
        for (; i + 32 <= bytes.Length; i += 32)
        {
            uint found = Find(Vector256.LoadUnsafe(ref start, (nuint)i));
            if (found != 0) return i + BitOperations.TrailingZeroCount(found);
        }

        if (bytes.Length >= 32)
        {
            int last = bytes.Length - 32;
            ulong found = (ulong)Find(Vector256.LoadUnsafe(ref start, (nuint)last)) >> (i - last);
            return found == 0 ? bytes.Length : i + BitOperations.TrailingZeroCount(found);
        }

        while (i < bytes.Length && !IsControl(bytes[i])) i++;
        return i;
    }

    public static bool IsControl(byte b) => (b < 0x20 && b != '\t') || b == 0x7F;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Find(Vector256<byte> bytes)
    {
        Vector256<byte> low = Vector256.Equals(Vector256.Min(bytes, Vector256.Create((byte)0x1F)), bytes);
        Vector256<byte> tab = Vector256.Equals(bytes, Vector256.Create((byte)'\t'));
        Vector256<byte> del = Vector256.Equals(bytes, Vector256.Create((byte)0x7F));
        return (Vector256.AndNot(low, tab) | del).ExtractMostSignificantBits();
    }
}
