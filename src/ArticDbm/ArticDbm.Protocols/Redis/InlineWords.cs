namespace ArticDbm.Protocols.Redis;

/// <summary>The words of an inline command, as people type them into telnet: blanks part them; "..." with \n, \r, \t, \b, \a, \xHH, and '...' with \' hold them together.</summary>
internal static class InlineWords
{
    /// <summary>Splits a line.</summary>
    /// <returns>Its words; null when a quote is open, or a closing one is not followed by a blank.</returns>
    public static byte[][]? Split(ReadOnlySpan<byte> line)
    {
        var words = new List<byte[]>();
        var word = new List<byte>();
        int i = 0;
        while (true)
        {
            while (i < line.Length && IsBlank(line[i])) i++;
            if (i == line.Length) return [.. words];
            word.Clear();
            while (i < line.Length && !IsBlank(line[i]))
            {
                byte c = line[i++];
                if (c is not ((byte)'"' or (byte)'\''))
                {
                    word.Add(c);
                    continue;
                }

                if (!Quoted(line, ref i, c, word) || (i < line.Length && !IsBlank(line[i]))) return null;
            }

            words.Add([.. word]);
        }
    }

    private static bool Quoted(ReadOnlySpan<byte> line, ref int i, byte quote, List<byte> word)
    {
        while (i < line.Length)
        {
            byte c = line[i++];
            if (c == quote) return true;
            if (c != (byte)'\\' || i == line.Length)
            {
                word.Add(c);
            }
            else if (quote == (byte)'\'')
            {
                if (line[i] == quote) word.Add(line[i++]);
                else word.Add(c);
            }
            else
            {
                Escaped(line, ref i, word);
            }
        }

        return false;
    }

    private static void Escaped(ReadOnlySpan<byte> line, ref int i, List<byte> word)
    {
        byte c = line[i++];
        if (c == (byte)'x' && i + 1 < line.Length && char.IsAsciiHexDigit((char)line[i]) && char.IsAsciiHexDigit((char)line[i + 1]))
        {
            word.Add((byte)((Convert.ToInt32(((char)line[i]).ToString(), 16) << 4) | Convert.ToInt32(((char)line[i + 1]).ToString(), 16)));
            i += 2;
            return;
        }

        word.Add(c switch { (byte)'n' => (byte)'\n', (byte)'r' => (byte)'\r', (byte)'t' => (byte)'\t', (byte)'b' => (byte)'\b', (byte)'a' => (byte)'\a', _ => c });
    }

    private static bool IsBlank(byte c) => c is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0 or 0x0B or 0x0C;
}
