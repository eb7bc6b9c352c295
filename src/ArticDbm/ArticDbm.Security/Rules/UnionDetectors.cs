using ArticDbm.Security.Analysis;
using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>UNION arms that do not belong to the query before them.</summary>
internal static class UnionDetectors
{
    /// <summary>Tokens looked at on either side of a UNION; fewer when there are many of them, so that time stays with the text's length.</summary>
    private const int Reach = 600, ShortReach = 60, Many = 64;

    private static readonly WordTable<bool> s_credentials = new(new[]
    {
        "password", "passwd", "pwd", "pass", "passwords", "user_password", "userpassword", "user_pass", "userpass", "password_hash", "passwordhash", "passhash", "pass_hash", "pw_hash", "hashed_password", "encrypted_password",
        "authentication_string", "rolpassword", "usepasswd", "secret", "api_key", "apikey", "token", "credit_card", "creditcard", "cardnumber", "card_number", "cvv", "ssn", "salt", "login_password",
    }.Select(w => KeyValuePair.Create(w, true)));

    public static void Union(in DetectorContext c, int i, int before, ref HitList hits)
    {
        int reach = before < Many ? Reach : ShortReach;
        int at = i + 1;
        while (c.At(at).Word is Keyword.All or Keyword.Distinct || c.At(at).Kind == TokenKind.Open) at++;
        if (c.At(at).Word != Keyword.Select || !Left(c, i, reach, out bool filtered, out bool credentials, out bool catalog)) return;
        int start = at + 1, end = ListEnd(c, start, reach);
        bool source = c.At(end).Word == Keyword.From && c.At(end + 1).Word != Keyword.Dual;
        if (filtered && IsNumbered(c, start, end)) hits.Add(FirewallRules.UnionProbe, c.Offset(i));
        else if (filtered) Constant(c, i, start, end, source, ref hits);
        for (int item = start; item < end; item++)
        {
            Token token = c.Tokens[item];
            if (token.Kind == TokenKind.SystemVariable || (c.CallAt(item) & FunctionKind.Fact) != 0 || c.IsBareFact(item)) hits.Add(FirewallRules.UnionServerFacts, c.Offset(i));
            else if (!credentials && token.IsName && s_credentials.TryGet(c.Bytes(item), out _)) hits.Add(FirewallRules.UnionCredentials, c.Offset(i));
        }

        if (source && !catalog && ReadsCatalog(c, end + 1)) hits.Add(FirewallRules.UnionCatalog, c.Offset(i));
    }

    /// <summary>What the query before the UNION is: false when it reads no table.</summary>
    private static bool Left(in DetectorContext c, int i, int reach, out bool filtered, out bool credentials, out bool catalog)
    {
        filtered = credentials = catalog = false;
        bool table = false;
        int level = 0, at = i - 1;
        for (; at >= 0; at--)
        {
            if (i - at >= reach)
            {
                // Its beginning is too far: it is taken for one that reads and filters.
                filtered = table = true;
                break;
            }

            Token token = c.Tokens[at];
            if (token.Kind == TokenKind.Close) level++;
            if (token.Kind == TokenKind.Open && --level < 0)
            {
                // A UNION in the midst of an expression is nobody's but an attacker's, who did not find the end of the parenthesis.
                bool query = c.At(at + 1).Word is Keyword.Select or Keyword.Values or Keyword.With or Keyword.Table || c.At(at + 1).Kind == TokenKind.Open;
                table |= !query;
                filtered |= !query;
                break;
            }

            if (token.Kind == TokenKind.Semicolon || (level == 0 && token.Word == Keyword.With)) break;
            if (level == 0 && token.Word is Keyword.From or Keyword.Update or Keyword.Into)
            {
                table = true;
                catalog |= ReadsCatalog(c, at + 1);
            }

            // A filter on a literal is where untrusted text comes in; queries that compare columns have no such place.
            if (level == 0 && token.IsLiteral && token.Clause is Clause.Where or Clause.Having or Clause.Limit or Clause.OrderBy) filtered = true;
            if (token.IsName && token.Clause == Clause.SelectList && s_credentials.TryGet(c.Bytes(at), out _)) credentials = true;
        }

        return table;
    }

    private static int ListEnd(in DetectorContext c, int start, int reach)
    {
        int at = start;
        while (at < c.Tokens.Length && at - start < reach)
        {
            Token token = c.Tokens[at];
            if (token.Kind == TokenKind.Open) at = Math.Max(at, Math.Min(c.Map.Close(at), c.Tokens.Length - 1));
            else if (token.Kind is TokenKind.Close or TokenKind.Semicolon || token.Word is Keyword.From or Keyword.Where or Keyword.Union or Keyword.Order or Keyword.Limit or Keyword.Into or Keyword.Group or Keyword.Having) return at;
            at++;
        }

        return at;
    }

    /// <summary>Three columns or more that are the number of their own place, as one finds out which of them is shown.</summary>
    private static bool IsNumbered(in DetectorContext c, int start, int end)
    {
        int item = 1, numbered = 0;
        for (int at = start; at < end; at++)
        {
            if (c.At(at).Kind == TokenKind.Open) at = Math.Max(at, Math.Min(c.Map.Close(at), end));
            else if (c.At(at).Kind == TokenKind.Comma) item++;
            else if (c.At(at).Kind == TokenKind.Number && c.At(at + 1).Kind is not TokenKind.Operator && System.Buffers.Text.Utf8Parser.TryParse(c.Bytes(at), out int value, out int length) && length == c.At(at).Length && (value == item || value == item - 1)) numbered++;
        }

        return numbered >= 3;
    }

    /// <summary>An arm of constants only.</summary>
    private static void Constant(in DetectorContext c, int union, int start, int end, bool source, ref HitList hits)
    {
        int items = 0, nulls = 0, numbers = 0, sequence = 0;
        bool made = false;
        for (int at = start; at < end; at++)
        {
            if (!Constants.TryConstant(c, at, out int next) || next > end)
            {
                Padded(c, union, start, end, ref hits);
                return;
            }

            items++;
            made |= IsMadeText(c, at, next);
            if (next == at + 1 && c.At(at).Word == Keyword.Null) nulls++;
            if (next == at + 1 && c.At(at).Kind is TokenKind.Number or TokenKind.Binary) numbers++;
            if (next == at + 1 && c.At(at).Kind == TokenKind.Number && c.Bytes(at) is [>= (byte)'1' and <= (byte)'9'] && c.Bytes(at)[0] - '0' == items) sequence++;
            at = next;
            if (at < end && c.At(at).Word == Keyword.As) at += 2;
            if (at < end && c.At(at).Kind != TokenKind.Comma) return;
        }

        if (items == 0) return;
        bool probe = (items >= 2 && nulls + numbers == items) || (nulls >= 2 && items >= 3) || (items == 1 && (nulls == 1 || (numbers == 1 && c.At(start).Length >= 3))) || (sequence >= 3);

        // Text put together from constants is a mark to be found in the answer; and nobody ends such an arm with a remark.
        probe |= !source && (made || IsRemarkedAtEnd(c, end));
        if (probe && (items > 1 || !source)) hits.Add(FirewallRules.UnionProbe, c.Offset(union));
        else if (!source) hits.Add(FirewallRules.UnionConstantRow, c.Offset(union));
    }

    /// <summary>CONCAT('a', 'b'), CHR(113), 'a' || 'b': a text that could have been written down.</summary>
    private static bool IsMadeText(in DetectorContext c, int from, int to)
    {
        for (int at = from; at < to; at++)
        {
            if (c.At(at).Op == Op.Pipes || (c.CallAt(at) & (FunctionKind.Concat | FunctionKind.CharMaker)) != 0) return true;
        }

        return false;
    }

    /// <summary>A comment to the end of the line, right behind the last token of the text.</summary>
    private static bool IsRemarkedAtEnd(in DetectorContext c, int end)
    {
        if (end < c.Tokens.Length || c.Comments.IsEmpty) return false;
        ref readonly Comment last = ref c.Comments[^1];
        return last.IsLine && last.Before >= c.Tokens.Length && c.Text[c.Tokens[^1].End..last.Start].IndexOf((byte)'\n') < 0;
    }

    /// <summary>A column or two in a row of NULLs, right behind a literal.</summary>
    private static void Padded(in DetectorContext c, int union, int start, int end, ref HitList hits)
    {
        int nulls = 0, commas = 0;
        for (int at = start; at < end; at++)
        {
            if (c.At(at).Kind == TokenKind.Open) at = Math.Max(at, Math.Min(c.Map.Close(at), end));
            else if (c.At(at).Kind == TokenKind.Comma) commas++;
            else if (c.At(at).Word == Keyword.Null) nulls++;
        }

        if (nulls >= 4 && commas + 1 - nulls <= 3 && c.At(union - 1).IsLiteral) hits.Add(FirewallRules.UnionProbe, c.Offset(union));
    }

    private static bool ReadsCatalog(in DetectorContext c, int at)
    {
        while (c.At(at).Kind == TokenKind.Open) at++;
        return Catalogs.IsCatalog(c.Bytes(at), c.At(at + 1).Kind == TokenKind.Dot ? c.Bytes(at + 2) : default);
    }
}
