namespace MarchProxy.Model.Intake;

/// <summary>"Did you mean": the nearest of the known names.</summary>
public static class Suggestion
{
    /// <summary>The known name within two edits (one for short names), or null.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="known">What there is.</param>
    public static string? For(string text, IEnumerable<string> known)
    {
        if (text.Length > 64) return null;
        string? best = null;
        int least = text.Length <= 3 ? 2 : 3;
        foreach (string candidate in known)
        {
            if (Math.Abs(candidate.Length - text.Length) >= least) continue;
            int distance = Distance(text, candidate);
            if (distance >= least) continue;
            least = distance;
            best = candidate;
        }

        return best;
    }

    /// <summary>Levenshtein's distance, ignoring case.</summary>
    private static int Distance(string a, string b)
    {
        Span<int> row = stackalloc int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++) row[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int same = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                (row[j], diagonal) = (Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + same), row[j]);
            }
        }

        return row[b.Length];
    }
}
