using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MarchProxy.Edge.Http1;

/// <summary>
/// A set of ASCII characters searched 16 bytes at a time: byte <c>n</c> of the bitmap holds, for low nibble <c>n</c>,
/// one bit for each high nibble 0–7 whose character belongs. Bytes above 0x7F never belong.
/// </summary>
internal readonly struct AsciiSet
{
    private const string AlphaNumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly Vector128<byte> s_highBits = Vector128.Create((byte)1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0);

    private readonly Vector128<byte> _bitmap;

    private AsciiSet(string characters)
    {
        Span<byte> bitmap = stackalloc byte[16];
        bitmap.Clear();
        foreach (char c in characters) bitmap[c & 0xF] |= (byte)(1 << (c >> 4));
        _bitmap = Vector128.Create<byte>(bitmap);
    }

    /// <summary>tchar (RFC 9110 section 5.6.2).</summary>
    public static readonly AsciiSet Token = new("!#$%&'*+-.^_`|~" + AlphaNumeric);

    /// <summary>Names and IPv4 addresses: letters, digits, hyphen, dot and the underscore that service names use.</summary>
    public static readonly AsciiSet HostName = new("-._" + AlphaNumeric);

    /// <summary>What stands between the brackets of an IPv6 literal; zones are refused.</summary>
    public static readonly AsciiSet IPv6 = new(":.0123456789ABCDEFabcdef");

    /// <summary>Visible ASCII but the number sign: a target has no fragment (RFC 9112 section 3.2).</summary>
    public static readonly AsciiSet Target = new(
        string.Concat(Enumerable.Range('!', '~' - '!' + 1).Where(c => c != '#').Select(c => (char)c)));

    public bool Contains(byte b) => b < 0x80 && ((_bitmap[b & 0xF] >> (b >> 4)) & 1) != 0;

    /// <summary>Offset of the first byte at or after <paramref name="from"/> that does not belong, or the length.</summary>
    public int IndexOfOther(ReadOnlySpan<byte> bytes, int from)
    {
        ref byte start = ref MemoryMarshal.GetReference(bytes);
        int i = from;
        for (; i + 16 <= bytes.Length; i += 16)
        {
            uint others = Others(Vector128.LoadUnsafe(ref start, (nuint)i));
            if (others != 0) return i + System.Numerics.BitOperations.TrailingZeroCount(others);
        }

        if (bytes.Length >= 16)
        {
            int last = bytes.Length - 16;
            uint others = Others(Vector128.LoadUnsafe(ref start, (nuint)last)) >> (i - last);
            return others == 0 ? bytes.Length : i + System.Numerics.BitOperations.TrailingZeroCount(others);
        }

        while (i < bytes.Length && Contains(bytes[i])) i++;
        return i;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Others(Vector128<byte> bytes)
    {
        Vector128<byte> row = Vector128.ShuffleNative(_bitmap, bytes & Vector128.Create((byte)0x0F));
        Vector128<byte> bit = Vector128.ShuffleNative(s_highBits, bytes >>> 4);
        return Vector128.Equals(row & bit, Vector128<byte>.Zero).ExtractMostSignificantBits();
    }
}
