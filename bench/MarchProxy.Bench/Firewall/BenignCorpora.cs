using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ArticDbm.Security;
using ArticDbm.Security.Lexing;

namespace MarchProxy.Bench.Firewall;

/// <summary>Statements that nobody means ill by: test suites of servers and parsers, and query sets of research.</summary>
internal static partial class BenignCorpora
{
    public static IEnumerable<(string Corpus, SqlDialect Dialect, string Sql)> Read(string corpora)
    {
        foreach (string file in AttackCorpora.Files(corpora, "libpg_query/test/sql", "*.sql").Where(f => !Path.GetFileName(f).StartsWith("psql", StringComparison.Ordinal)))
        {
            foreach (string sql in Split(WithoutPsql(File.ReadAllLines(file)), SqlDialect.PostgreSql)) yield return ("PostgreSQL regression", SqlDialect.PostgreSql, sql);
        }

        foreach ((string folder, SqlDialect dialect) in new[] { ("postgres", SqlDialect.PostgreSql), ("mysql", SqlDialect.MySql), ("mariadb", SqlDialect.MySql), ("tsql", SqlDialect.TSql) })
        {
            foreach (string file in AttackCorpora.Files(corpora, "sqlfluff/test/fixtures/dialects/" + folder, "*.sql"))
            {
                // Fixtures that are psql scripts with data in them are no statements.
                string[] lines = File.ReadAllLines(file);
                if (file.Contains("psql", StringComparison.Ordinal) || lines.Contains("\\.")) continue;
                foreach (string sql in dialect == SqlDialect.TSql ? Batches(lines) : Split(string.Join('\n', lines), dialect)) yield return ("sqlfluff " + folder, dialect, sql);
            }
        }

        foreach (string file in AttackCorpora.Files(corpora, "join-order-benchmark", "*.sql"))
        {
            foreach (string sql in Split(File.ReadAllText(file), SqlDialect.PostgreSql)) yield return ("join-order-benchmark", SqlDialect.PostgreSql, sql);
        }

        string spider = Path.Combine(corpora, "spider/evaluation_examples/examples/dev.json");
        if (File.Exists(spider))
        {
            foreach (JsonElement query in JsonDocument.Parse(File.ReadAllText(spider)).RootElement.EnumerateArray()) yield return ("Spider dev", SqlDialect.MySql, query.GetProperty("query").GetString()!);
        }

        foreach (string file in AttackCorpora.Files(corpora, "sqllogictest/test", "*.test"))
        {
            foreach (string sql in LogicTest(File.ReadLines(file))) yield return ("sqllogictest", SqlDialect.MySql, sql);
        }
    }

    /// <summary>What psql sends: without its own commands and without the data behind COPY FROM stdin.</summary>
    private static string WithoutPsql(IEnumerable<string> lines)
    {
        var text = new StringBuilder();
        bool data = false;
        foreach (string line in lines)
        {
            if (data)
            {
                data = line != "\\.";
                continue;
            }

            if (line.StartsWith('\\')) continue;
            // psql's own commands end a statement as a semicolon does.
            Match command = PsqlCommand().Match(line);
            text.AppendLine(command.Success ? line[..command.Index] + ";" : line.Replace("\\;", ";", StringComparison.Ordinal));
            data = line.StartsWith("copy", StringComparison.OrdinalIgnoreCase) && line.Contains("from stdin", StringComparison.OrdinalIgnoreCase) && line.TrimEnd().EndsWith(';');
        }

        return text.ToString();
    }

    private static IEnumerable<string> Batches(IEnumerable<string> lines)
    {
        var batch = new StringBuilder();
        foreach (string line in lines.Append("GO"))
        {
            if (!line.Trim().Equals("GO", StringComparison.OrdinalIgnoreCase))
            {
                batch.AppendLine(line);
                continue;
            }

            if (batch.ToString().Trim().Length > 0) yield return batch.ToString();
            batch.Clear();
        }
    }

    /// <summary>At semicolons, as a client does it; within BEGIN ATOMIC and in parentheses none ends a statement.</summary>
    private static List<string> Split(string text, SqlDialect dialect)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var result = new List<string>();
        var comments = new CommentList();
        var lexer = new SqlLexer(bytes, dialect, SqlQuoting.Usual);
        int start = 0, level = 0;
        while (lexer.Next(ref comments, out Token token))
        {
            level += token.Kind == TokenKind.Open ? 1 : token.Kind == TokenKind.Close ? -1 : 0;
            if (token.Kind != TokenKind.Semicolon || level > 0) continue;
            Add(bytes.AsSpan(start, token.End - start));
            start = token.End;
            level = 0;
        }

        Add(bytes.AsSpan(start));
        return result;

        void Add(ReadOnlySpan<byte> statement)
        {
            string sql = Encoding.UTF8.GetString(statement).Trim();
            if (sql.Length > 1) result.Add(sql);
        }
    }

    private static IEnumerable<string> LogicTest(IEnumerable<string> lines)
    {
        StringBuilder? sql = null;
        foreach (string line in lines)
        {
            if (line.StartsWith("statement ok", StringComparison.Ordinal) || line.StartsWith("query ", StringComparison.Ordinal)) sql = new StringBuilder();
            else if (sql is not null && (line.Length == 0 || line == "----"))
            {
                yield return sql.ToString();
                sql = null;
            }
            else sql?.AppendLine(line);
        }
    }

    [GeneratedRegex(@"\\(g|bind|parse|crosstab|watch|p |r |e )", RegexOptions.NonBacktracking)]
    private static partial Regex PsqlCommand();
}
