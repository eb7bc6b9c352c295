using System.Runtime.CompilerServices;
using System.Text;

namespace ArticDbm.Security.Lexing;

/// <summary>Finds what a word of ASCII letters stands for, whatever its case, without allocation.</summary>
/// <typeparam name="T">What words stand for.</typeparam>
internal sealed class WordTable<T>
{
    /// <summary>No word of the tables is longer.</summary>
    public const int MaxLength = 40;

    private readonly (byte[] Word, T Value)[][] _buckets;
    private readonly uint _mask;

    public WordTable(IEnumerable<KeyValuePair<string, T>> words)
    {
        KeyValuePair<string, T>[] all = [.. words];
        _mask = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)all.Length * 4) - 1;
        var buckets = new List<(byte[], T)>[_mask + 1];
        foreach ((string word, T value) in all)
        {
            byte[] bytes = Encoding.ASCII.GetBytes(word);
            if (bytes.Length > MaxLength) throw new ArgumentException($"\"{word}\" is too long", nameof(words));
            (buckets[Hash(bytes) & _mask] ??= []).Add((bytes, value));
        }

        _buckets = [.. buckets.Select(b => b?.ToArray() ?? [])];
    }

    public bool TryGet(ReadOnlySpan<byte> word, out T value)
    {
        if (word.Length is 0 or > MaxLength)
        {
            value = default!;
            return false;
        }

        foreach ((byte[] known, T found) in _buckets[Hash(word) & _mask])
        {
            if (!Ascii.EqualsIgnoreCase(word, known)) continue;
            value = found;
            return true;
        }

        value = default!;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(ReadOnlySpan<byte> word)
    {
        uint hash = (uint)word.Length;
        foreach (byte b in word) hash = (hash * 31) + (uint)(b | 0x20);
        return hash ^ (hash >> 15);
    }
}
