namespace MarchProxy.Edge.Http2.Wire;

/// <summary>
/// The static Huffman code of HPACK (RFC 7541 section 5.2 and appendix B). The code is canonical, so lengths alone define it: symbols of one length have
/// consecutive codes in their own order. Decoding walks four bits at a time.
/// </summary>
internal static class Huffman
{
    private const int Eos = 256, EosLength = 30;

    // The lengths of appendix B, by symbol.
    private static readonly byte[] s_lengths =
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        EosLength,
    ];

    private static readonly uint[] s_codes = BuildCodes();
    private static readonly Step[] s_steps = BuildSteps();

    /// <summary>Bytes that text takes when encoded.</summary>
    public static int EncodedLength(ReadOnlySpan<byte> text)
    {
        int bits = 0;
        foreach (byte b in text) bits += s_lengths[b];
        return (bits + 7) / 8;
    }

    /// <summary>Encodes; the target has room for <see cref="EncodedLength"/>.</summary>
    /// <returns>Bytes written.</returns>
    public static int Encode(ReadOnlySpan<byte> text, Span<byte> target)
    {
        ulong pending = 0;
        int bits = 0, at = 0;
        foreach (byte b in text)
        {
            pending = (pending << s_lengths[b]) | s_codes[b];
            bits += s_lengths[b];
            while (bits >= 8)
            {
                bits -= 8;
                target[at++] = (byte)(pending >> bits);
            }
        }

        // Padded by the first bits of EOS, which are ones.
        if (bits > 0) target[at++] = (byte)((pending << (8 - bits)) | (0xFFu >> bits));
        return at;
    }

    /// <summary>Decodes.</summary>
    /// <returns>Bytes written; -1 for EOS, or padding that is too long or not of ones; -2 when the target is too small.</returns>
    public static int Decode(ReadOnlySpan<byte> coded, Span<byte> target)
    {
        int at = 0;
        var step = new Step(0, 0, Accepts: true, Emits: false, Fails: false);
        foreach (byte b in coded)
        {
            step = s_steps[(step.Next << 4) | (b >> 4)];
            if (step.Fails) return -1;
            if (step.Emits)
            {
                if (at == target.Length) return -2;
                target[at++] = step.Symbol;
            }

            step = s_steps[(step.Next << 4) | (b & 0xF)];
            if (step.Fails) return -1;
            if (!step.Emits) continue;
            if (at == target.Length) return -2;
            target[at++] = step.Symbol;
        }

        return step.Accepts ? at : -1;
    }

    private static uint[] BuildCodes()
    {
        var codes = new uint[s_lengths.Length];
        uint code = 0;
        int length = 0;
        foreach (int symbol in Enumerable.Range(0, s_lengths.Length).OrderBy(s => s_lengths[s]).ThenBy(s => s))
        {
            code <<= s_lengths[symbol] - length;
            length = s_lengths[symbol];
            codes[symbol] = code++;
        }

        return codes;
    }

    private static Step[] BuildSteps()
    {
        // Inner nodes of the code's tree; a negative child is a leaf, the symbol's complement.
        var children = new List<int[]> { new int[2] };
        for (int symbol = 0; symbol < s_lengths.Length; symbol++)
        {
            int node = 0;
            for (int bit = s_lengths[symbol] - 1; bit >= 0; bit--)
            {
                int side = (int)(s_codes[symbol] >> bit) & 1;
                if (bit == 0)
                {
                    children[node][side] = ~symbol;
                }
                else
                {
                    if (children[node][side] == 0)
                    {
                        children[node][side] = children.Count;
                        children.Add(new int[2]);
                    }

                    node = children[node][side];
                }
            }
        }

        // Padding may be at most seven ones: the nodes on that path from the root.
        var accepting = new HashSet<int> { 0 };
        for (int i = 0, node = 0; i < 7; i++) accepting.Add(node = children[node][1]);
        var steps = new Step[children.Count * 16];
        for (int from = 0; from < children.Count; from++)
        {
            for (int nibble = 0; nibble < 16; nibble++)
            {
                int node = from, symbol = -1;
                for (int bit = 3; bit >= 0; bit--)
                {
                    int next = children[node][(nibble >> bit) & 1];
                    if (next < 0) symbol = ~next;
                    node = Math.Max(next, 0);
                }

                steps[(from << 4) | nibble] = new Step((byte)node, (byte)Math.Max(symbol, 0), accepting.Contains(node), symbol >= 0, symbol == Eos);
            }
        }

        return steps;
    }

    /// <summary>Where four bits lead from a node.</summary>
    private readonly record struct Step(byte Next, byte Symbol, bool Accepts, bool Emits, bool Fails);
}
