using System.Globalization;
using System.Net.Sockets;

namespace MarchProxy.Net;

public readonly partial record struct Endpoint
{
    /// <summary>Writes the address in text, without port, brackets, scope or allocation; IPv6 as in RFC 5952 section 4.</summary>
    /// <param name="text">At least 64 bytes.</param>
    /// <returns>Bytes written; zero for a Unix socket.</returns>
    public int FormatAddress(Span<byte> text) => Family switch
    {
        AddressFamily.InterNetwork => FormatV4(text),
        AddressFamily.InterNetworkV6 => FormatV6(text),
        _ => 0,
    };

    private int FormatV4(Span<byte> text)
    {
        int at = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            ((uint)(_low >> shift) & 0xFF).TryFormat(text[at..], out int written, default, CultureInfo.InvariantCulture);
            at += written;
            if (shift > 0) text[at++] = (byte)'.';
        }

        return at;
    }

    private int FormatV6(Span<byte> text)
    {
        (int gapStart, int gapEnd) = LongestZeroRun();
        int at = 0;
        for (int i = 0; i < 8; i++)
        {
            if (i == gapStart)
            {
                text[at++] = (byte)':';
                text[at++] = (byte)':';
                i = gapEnd - 1;
                continue;
            }

            if (i > 0 && i != gapEnd) text[at++] = (byte)':';
            Group(i).TryFormat(text[at..], out int written, "x", CultureInfo.InvariantCulture);
            at += written;
        }

        return at;
    }

    private ushort Group(int index) => (ushort)((index < 4 ? _high : _low) >> (48 - (16 * (index & 3))));

    /// <summary>RFC 5952 section 4.2: the first of the longest runs of zero groups, at least two of them.</summary>
    private (int Start, int End) LongestZeroRun()
    {
        int bestStart = -1, bestLength = 1;
        for (int i = 0; i < 8; i++)
        {
            int start = i;
            while (i < 8 && Group(i) == 0) i++;
            if (i - start <= bestLength) continue;
            bestStart = start;
            bestLength = i - start;
        }

        return bestStart < 0 ? (-1, -1) : (bestStart, bestStart + bestLength);
    }
}
