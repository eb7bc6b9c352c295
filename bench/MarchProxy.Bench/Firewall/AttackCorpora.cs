using System.Net;
using System.Text.RegularExpressions;

namespace MarchProxy.Bench.Firewall;

/// <summary>Payloads of public collections.</summary>
internal static partial class AttackCorpora
{
    public static IEnumerable<Attack> Read(string corpora)
    {
        foreach (string file in Files(corpora, "libinjection/data", "sqli-*.txt"))
        {
            foreach (string line in File.ReadLines(file).Where(l => l.Length > 0 && l[0] != '#')) yield return new Attack(WebUtility.UrlDecode(line), "libinjection");
        }

        string csv = Path.Combine(corpora, "HttpParamsDataset/payload_full.csv");
        if (File.Exists(csv))
        {
            foreach (string line in File.ReadLines(csv))
            {
                Match match = Row().Match(line);
                if (match.Success && match.Groups[2].Value == "sqli") yield return new Attack(match.Groups[1].Value.Replace("\"\"", "\"", StringComparison.Ordinal), "HttpParamsDataset");
            }
        }

        string sqlmap = Path.Combine(corpora, "sqlmap");
        if (Directory.Exists(sqlmap))
        {
            foreach (Attack attack in SqlmapPayloads.Read(sqlmap)) yield return attack;
        }
    }

    /// <summary>The files of one folder, none when it is not there.</summary>
    public static IEnumerable<string> Files(string corpora, string folder, string pattern)
    {
        string path = Path.Combine(corpora, folder);
        return Directory.Exists(path) ? Directory.EnumerateFiles(path, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [];
    }

    [GeneratedRegex("^\"(.*)\",\"?\\d+\"?,\"(\\w+)\",\"\\w+\"$", RegexOptions.Singleline)]
    private static partial Regex Row();
}
