using System.Globalization;
using System.Xml.Linq;
using ArticDbm.Security;

namespace MarchProxy.Bench.Firewall;

/// <summary>A payload, and where it belongs.</summary>
internal sealed record Attack(string Text, string Class, SqlDialect? Dialect = null, Place? Place = null, int Parentheses = -1)
{
    /// <summary>
    /// Whether it fits a place: the one that is said, or the one that its first quote tells. A quote at the beginning, or behind a letter, a digit, a percent sign or a parenthesis closes a
    /// literal; behind anything else it opens one, and the payload belongs where a number stands.
    /// </summary>
    public bool Fits(Place place)
    {
        if (Place is { } said) return said == place;
        int quote = Text.AsSpan().IndexOfAny('\'', '"');
        if (quote < 0) return place == Firewall.Place.Number;
        ReadOnlySpan<char> before = Text.AsSpan(0, quote).TrimEnd(" \t\r\n\\");
        bool closes = before.IsEmpty || ((char.IsLetterOrDigit(before[^1]) || before[^1] is '%' or ')') && (before.Length == quote || char.IsDigit(before[^1])));
        return place == (!closes ? Firewall.Place.Number : Text[quote] == '"' ? Firewall.Place.DoubleQuoted : Firewall.Place.SingleQuoted);
    }
}

/// <summary>sqlmap's tests within its boundaries, with its placeholders filled as it fills them.</summary>
internal static class SqlmapPayloads
{
    private const string Number = "6218", Other = "2947", Text = "wQkZ";

    public static IEnumerable<Attack> Read(string folder)
    {
        (string Prefix, string Suffix, string[] Clauses, string[] Where, int Quote)[] boundaries =
        [
            .. XDocument.Load(Path.Combine(folder, "data/xml/boundaries.xml")).Root!.Elements("boundary")
                .Select(b => (Value(b, "prefix"), Value(b, "suffix"), Numbers(b, "clause"), Numbers(b, "where"), int.Parse(Value(b, "ptype"), CultureInfo.InvariantCulture))),
        ];
        foreach (string file in Directory.EnumerateFiles(Path.Combine(folder, "data/xml/payloads"), "*.xml").Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            foreach (XElement test in XDocument.Load(file).Root!.Elements("test"))
            {
                string dbms = Value(test.Element("details"), "dbms");
                SqlDialect? dialect = dbms switch { "MySQL" => SqlDialect.MySql, "PostgreSQL" => SqlDialect.PostgreSql, "Microsoft SQL Server" or "Sybase" => SqlDialect.TSql, _ => null };
                string kind = dialect is null && dbms.Length > 0 ? $"sqlmap {name}, other servers" : $"sqlmap {name}";
                string[] clauses = Numbers(test, "clause"), where = Numbers(test, "where");
                string comment = Value(test.Element("request"), "comment");
                foreach (string payload in Payloads(test, name))
                {
                    foreach (var boundary in boundaries.Where(b => b.Clauses.Intersect(clauses).Any() && b.Where.Intersect(where).Any() && b.Quote is >= 1 and <= 5))
                    {
                        bool order = boundary.Quote == 1 && !clauses.Contains("1") && !clauses.Contains("0") && !clauses.Contains("8") && !clauses.Contains("9");
                        Place place = order ? Place.OrderBy : boundary.Quote switch { 1 => Place.Number, 2 or 3 => Place.SingleQuoted, _ => Place.DoubleQuoted };
                        string value = where.Contains("3") ? "" : place is Place.Number or Place.OrderBy ? "1" : "abc";
                        string space = payload.StartsWith(';') || boundary.Prefix.EndsWith(' ') ? "" : " ";
                        string text = Fill($"{value}{boundary.Prefix}{space}{payload}{(comment.Length > 0 ? comment : " " + boundary.Suffix)}");
                        yield return new Attack(text, kind, dialect, place, boundary.Prefix.Count(c => c == ')'));
                    }
                }
            }
        }
    }

    private static IEnumerable<string> Payloads(XElement test, string name)
    {
        string payload = Value(test.Element("request"), "payload");
        if (name != "union_query")
        {
            yield return payload;
            string vector = Value(test, "vector");
            if (vector.Length > 0 && vector != payload) yield return vector;
            yield break;
        }

        foreach (int columns in new[] { 1, 3, 10 })
        {
            string fill = Value(test.Element("request"), "char") is "NULL" ? "NULL" : Number;
            yield return "UNION ALL SELECT " + string.Join(',', Enumerable.Repeat(fill, columns));
            string probe = "CONCAT(0x7171787671,(SELECT user FROM mysql.user LIMIT 1),0x71706b7171)";
            yield return "UNION ALL SELECT " + string.Join(',', Enumerable.Repeat(fill, columns - 1).Append(probe));
        }
    }

    private static string Fill(string text) => text
        .Replace("[INFERENCE]", "ORD(MID((SELECT IFNULL(CAST(schema_name AS CHAR),0x20) FROM INFORMATION_SCHEMA.SCHEMATA LIMIT 0,1),1,1))>64", StringComparison.Ordinal)
        .Replace("[RANDNUM1]", Other, StringComparison.Ordinal).Replace("[RANDNUM2]", "8172", StringComparison.Ordinal).Replace("[RANDNUM3]", "4410", StringComparison.Ordinal)
        .Replace("[RANDNUM4]", "9033", StringComparison.Ordinal).Replace("[RANDNUM5]", "1199", StringComparison.Ordinal).Replace("[RANDNUM]", Number, StringComparison.Ordinal)
        .Replace("[RANDSTR1]", "hXtR", StringComparison.Ordinal).Replace("[RANDSTR2]", "mNoP", StringComparison.Ordinal).Replace("[RANDSTR]", Text, StringComparison.Ordinal)
        .Replace("'[DELIMITER_START]'", "'qxvkq'", StringComparison.Ordinal).Replace("'[DELIMITER_STOP]'", "'qpzxq'", StringComparison.Ordinal)
        .Replace("[DELIMITER_START]", "qxvkq", StringComparison.Ordinal).Replace("[DELIMITER_STOP]", "qpzxq", StringComparison.Ordinal)
        .Replace("[QUERY]", "SELECT password FROM users LIMIT 1", StringComparison.Ordinal).Replace("[SLEEPTIME]", "5", StringComparison.Ordinal).Replace("[DELAYED]", "5000000", StringComparison.Ordinal)
        .Replace("[HASH_REPLACE]", "", StringComparison.Ordinal).Replace("[SPACE_REPLACE]", "qaq", StringComparison.Ordinal).Replace("[DOLLAR_REPLACE]", "qdq", StringComparison.Ordinal).Replace("[AT_REPLACE]", "qeq", StringComparison.Ordinal)
        .Replace("[ORIGVALUE]", "1", StringComparison.Ordinal).Replace("[ORIGINAL]", "1", StringComparison.Ordinal).Replace("[GENERIC_SQL_COMMENT]", "-- wQkZ", StringComparison.Ordinal);

    /// <summary><c>1,3-5</c>.</summary>
    private static string[] Numbers(XElement parent, string name)
    {
        var numbers = new List<string>();
        foreach (string part in Value(parent, name).Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length == 2) numbers.AddRange(Enumerable.Range(int.Parse(ends[0], CultureInfo.InvariantCulture), int.Parse(ends[1], CultureInfo.InvariantCulture) - int.Parse(ends[0], CultureInfo.InvariantCulture) + 1).Select(n => n.ToString(CultureInfo.InvariantCulture)));
            else numbers.Add(part);
        }

        return [.. numbers];
    }

    private static string Value(XElement? parent, string name) => parent?.Element(name)?.Value.Trim() ?? "";
}
