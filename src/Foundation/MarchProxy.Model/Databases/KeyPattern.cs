using System.Text;

namespace MarchProxy.Model.Databases;

/// <summary>Patterns of keys and channels: <c>*</c> stands for any run of bytes; everything else, dots and case too, for itself.</summary>
public static class KeyPattern
{
    /// <summary>Whether a key fits. No backtracking beyond the last star.</summary>
    /// <param name="pattern">The pattern, in UTF-8.</param>
    /// <param name="key">The key.</param>
    public static bool Matches(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> key)
    {
        int p = 0, k = 0, star = -1, mark = 0;
        while (k < key.Length)
        {
            if (p < pattern.Length && pattern[p] == (byte)'*')
            {
                star = p++;
                mark = k;
            }
            else if (p < pattern.Length && pattern[p] == key[k])
            {
                p++;
                k++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                k = ++mark;
            }
            else
            {
                return false;
            }
        }

        return pattern[p..].IndexOfAnyExcept((byte)'*') < 0;
    }

    /// <summary>A pattern's bytes.</summary>
    internal static byte[] Bytes(string pattern) => Encoding.UTF8.GetBytes(pattern);
}
