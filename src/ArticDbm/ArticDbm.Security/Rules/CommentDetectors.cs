using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>Comments that cut a statement off, or stand in for blanks.</summary>
internal static class CommentDetectors
{
    public static void Run(in DetectorContext c, ref HitList hits)
    {
        foreach (ref readonly Comment comment in c.Comments)
        {
            if (comment.Before == 0) continue;
            if (comment.Unterminated) hits.Add(FirewallRules.CommentOpen, comment.Start);
            else if (comment.IsLine) Line(c, comment, ref hits);
        }
    }

    /// <summary>A keyword right behind a comment, with a token right before it.</summary>
    public static void Glued(in DetectorContext c, int i, ref HitList hits)
    {
        if ((c.Tokens[i].Flags & TokenFlags.GluedByComment) == 0 || i == 0) return;
        if (c.Tokens[i].Word is Keyword.Union or Keyword.Select or Keyword.Or or Keyword.And or Keyword.From or Keyword.Where or Keyword.Having or Keyword.Order or Keyword.Limit or Keyword.All or Keyword.Into or Keyword.Like
            or Keyword.Rlike or Keyword.Xor or Keyword.Drop or Keyword.Insert or Keyword.Update or Keyword.Delete) hits.Add(FirewallRules.CommentAsBlank, c.Offset(i));
    }

    private static void Line(in DetectorContext c, in Comment comment, ref HitList hits)
    {
        ReadOnlySpan<byte> body = c.Text.Slice(comment.Start, comment.Length);
        body = body[(body[0] == '#' ? 1 : 2)..];
        int last = comment.Before - 1;
        if ((uint)last >= (uint)c.Tokens.Length) return;
        ReadOnlySpan<byte> between = c.Text[c.Tokens[last].End..comment.Start];
        if (between.IndexOf((byte)'\n') >= 0) return;
        body = Trim(body);
        bool atEnd = comment.Before >= c.Tokens.Length;
        if (HidesRest(body) || (atEnd && BeginsClause(body) && HasUnion(c))) hits.Add(FirewallRules.CommentTruncation, comment.Start);
        else if (atEnd && (body.IsEmpty || body is [(byte)'-' or (byte)'+']) && comment.Start + comment.Length >= Trim(c.Text).Length) hits.Add(FirewallRules.CommentEmpty, comment.Start);
    }

    /// <summary>
    /// What a template has behind the place of its value: a quote that closes one which is not open, an odd parenthesis, or a connective that goes on. A word of the attacker's may stand
    /// before it, as sqlmap writes one.
    /// </summary>
    private static bool HidesRest(ReadOnlySpan<byte> body)
    {
        int at = 0;
        while (at < body.Length && at < 12 && (char.IsAsciiLetterOrDigit((char)body[at]) || body[at] is (byte)'-' or (byte)'+')) at++;
        ReadOnlySpan<byte> rest = body[at..];
        if (rest.IsEmpty) return false;
        if (rest[0] is (byte)'\'' or (byte)'"' or (byte)'`' or (byte)'%') return rest.Count(rest[0]) % 2 == 1 && !(at > 0 && rest.Length > 1 && char.IsAsciiLetter((char)rest[1]) && at < 12 && !rest[1..].StartsWith("and "u8)) || OpensOnly(rest);
        return rest[0] == ')' && rest.Count((byte)'(') < rest.Count((byte)')');
    }

    /// <summary>A quote at once followed by the end of a value: <c>' AND ...</c>, <c>')</c>, <c>' LIMIT</c>.</summary>
    private static bool OpensOnly(ReadOnlySpan<byte> rest)
    {
        ReadOnlySpan<byte> behind = rest[1..];
        if (behind.Length > 0 && behind[0] == '\'') behind = behind[1..];
        behind = Trim(behind);
        return BeginsClause(behind);
    }

    private static bool HasUnion(in DetectorContext c)
    {
        foreach (ref readonly Token token in c.Tokens)
        {
            if (token.Word == Keyword.Union) return true;
        }

        return false;
    }

    /// <summary>The rest of a query: AND ..., ORDER BY ..., LIMIT ...</summary>
    private static bool BeginsClause(ReadOnlySpan<byte> behind)
    {
        if (behind.Length < 3) return false;
        Span<byte> lower = stackalloc byte[8];
        System.Text.Ascii.ToLower(behind[..Math.Min(8, behind.Length)], lower, out int length);
        ReadOnlySpan<byte> word = lower[..length];
        return word.StartsWith("and "u8) || word.StartsWith("or "u8) || word.StartsWith("order by"u8) || word.StartsWith("limit "u8) || word.StartsWith("group by"u8);
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r\n\f\v\0"u8);
}
