using System.Globalization;
using System.Text;
using ArticDbm.Security;

namespace MarchProxy.Bench.Firewall;

/// <summary>
/// What the SQL firewall finds and what it leaves alone, on public collections that are given by path (--corpora DIR, with one folder each), and what a statement costs.
/// An attack counts where it changes the statement: the query with it in place has another shape than with a plain value, and can be read.
/// </summary>
internal static class FirewallBench
{
    public static void Run(BenchOptions options)
    {
        FirewallTiming.Run();
        if (options.Corpora.Length == 0)
        {
            Console.WriteLine("rates are measured with --corpora DIR: folders libinjection, HttpParamsDataset, sqlmap, libpg_query, sqlfluff, join-order-benchmark, spider, sqllogictest");
            return;
        }

        Directory.CreateDirectory(options.Output);
        Attacks(options.Corpora, Path.Combine(options.Output, "firewall-changed.tsv"));
        Benign(options.Corpora, Path.Combine(options.Output, "firewall-blocked.tsv"));
    }

    private sealed class Score
    {
        public int Payloads, Inert, Broken, Structural, Blocked;
    }

    private static void Attacks(string corpora, string changedFile)
    {
        var scores = new SortedDictionary<string, Score>(StringComparer.Ordinal);
        using var changed = new StreamWriter(changedFile);
        var plain = new Dictionary<(SqlDialect, AttackTemplate), ulong>();
        foreach (Attack attack in AttackCorpora.Read(corpora).Distinct())
        {
            foreach (SqlDialect dialect in Enum.GetValues<SqlDialect>().Where(d => attack.Dialect is null || attack.Dialect == d))
            {
                string key = $"{attack.Class,-42} {dialect}";
                if (!scores.TryGetValue(key, out Score? score)) scores[key] = score = new Score();
                score.Payloads++;
                foreach (AttackTemplate template in AttackTemplate.For(dialect).Where(t => attack.Fits(t.Place) && (attack.Parentheses < 0 || attack.Parentheses == t.Parentheses)))
                {
                    if (!plain.TryGetValue((dialect, template), out ulong shape)) plain[(dialect, template)] = shape = Read(dialect, template.Plain).Fingerprint;
                    StatementReport report = Read(dialect, template.With(attack.Text));
                    if (report.Fingerprint == shape)
                    {
                        score.Inert++;
                    }
                    else if (report.Has(StatementTraits.Unreadable) || report.Hits.Any(h => h.Rule == FirewallRules.OddLiteral))
                    {
                        score.Broken++;
                    }
                    else
                    {
                        score.Structural++;
                        bool blocked = IsBlocked(report);
                        if (blocked) score.Blocked++;
                        changed.WriteLine($"{attack.Class}\t{dialect}\t{(blocked ? "blocked" : "missed")}\t{template.With(attack.Text).ReplaceLineEndings("\n").Replace('\t', ' ').Replace("\n", "\\n", StringComparison.Ordinal)}");
                    }
                }
            }
        }

        Console.WriteLine($"{"attacks",-53} {"payloads",9} {"inert",8} {"broken",8} {"changed",8} {"blocked",8} {"rate",8}");
        foreach ((string key, Score s) in scores)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{key,-53} {s.Payloads,9} {s.Inert,8} {s.Broken,8} {s.Structural,8} {s.Blocked,8} {(s.Structural == 0 ? 100 : 100.0 * s.Blocked / s.Structural),7:F2}%"));
        }

        Console.WriteLine($"the changed statements, blocked or missed: {changedFile}");
    }

    private static void Benign(string corpora, string blockedFile)
    {
        var counts = new SortedDictionary<string, (int Statements, int Blocked, int Traced, int Unreadable)>(StringComparer.Ordinal);
        using var blocked = new StreamWriter(blockedFile);
        foreach ((string corpus, SqlDialect dialect, string sql) in BenignCorpora.Read(corpora))
        {
            StatementReport report = Read(dialect, sql);
            bool block = IsBlocked(report);
            (int statements, int blocks, int traces, int unreadable) = counts.GetValueOrDefault(corpus);
            counts[corpus] = (statements + 1, blocks + (block ? 1 : 0), traces + (report.Hits.Any(h => h.Rule.Grade == RuleGrade.Trace) ? 1 : 0), unreadable + (report.Has(StatementTraits.Unreadable) ? 1 : 0));
            if (block || report.Has(StatementTraits.Unreadable)) blocked.WriteLine($"{corpus}\t{string.Join(',', report.Hits.Where(h => h.Rule.Grade == RuleGrade.Attack).Select(h => h.Rule.Name))}\t{sql.ReplaceLineEndings(" ").Replace('\t', ' ')}");
        }

        Console.WriteLine($"\n{"ordinary statements",-53} {"count",9} {"blocked",8} {"per mill.",9} {"reported",8} {"unread.",8}");
        foreach ((string corpus, (int statements, int blocks, int traces, int unreadable)) in counts)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{corpus,-53} {statements,9} {blocks,8} {1e6 * blocks / statements,9:F0} {traces,8} {unreadable,8}"));
        }

        Console.WriteLine($"ordinary statements that were blocked or could not be read: {blockedFile}");
    }

    private static StatementReport Read(SqlDialect dialect, string sql) => StatementReader.Read(dialect, Encoding.UTF8.GetBytes(sql));

    /// <summary>As a policy of <c>default: block</c> does.</summary>
    private static bool IsBlocked(StatementReport report) => report.Hits.Any(h => h.Rule.Grade == RuleGrade.Attack);
}
