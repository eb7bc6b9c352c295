using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MarchProxy.Bench.Results;

/// <summary>Writes results: a JSON file for each measure, and the table for people.</summary>
internal sealed partial class Report(string folder, IReadOnlyDictionary<string, string> versions)
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };
    private readonly List<MeasureResult> _results = [];

    /// <summary>Takes a result and writes its file.</summary>
    public void Add(MeasureResult result)
    {
        _results.Add(result);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, result.Measure + ".json"), JsonSerializer.Serialize(new
        {
            result.Measure,
            result.Unit,
            result.MoreIsBetter,
            TakenAt = TimeProvider.System.GetUtcNow(),
            Machine = Machine(),
            Versions = versions,
            Goals = result.Goals.Select(g => new { Goal = g.Text(result.MoreIsBetter), Met = g.Met(result) }),
            Ratios = result.Peers.Where(p => p.Peer != result.Subject).ToDictionary(p => p.Peer, p => result.Ratio(p.Peer)),
            result.Peers,
        }, Json) + "\n");
    }

    /// <summary>The table of all results so far, fixed width; also written to table.txt.</summary>
    public string Table()
    {
        StringBuilder text = new();
        string machine = string.Join(", ", Machine().Values);
        text.AppendLine(machine).AppendJoin(", ", versions.Values.Distinct()).AppendLine().AppendLine();
        text.AppendLine(Row("measure", "unit", "ours", "others, and ours to theirs", "goal"));
        text.AppendLine(new string('-', 132));
        foreach (MeasureResult r in _results)
        {
            string others = string.Join(", ", r.Peers.Where(p => p.Peer != r.Subject && p.Failure is null).Select(p => $"{p.Peer} {Value(r, p.Peer)} ({Factor(r.Ratio(p.Peer))})"));
            text.AppendLine(Row(r.Measure, r.Unit, Value(r, r.Subject), others, Goals(r)));
            foreach (PeerResult dropped in r.Peers.Where(p => p.Failure is not null)) text.AppendLine($"    {dropped.Peer}: {dropped.Failure}");
        }

        File.WriteAllText(Path.Combine(folder, "table.txt"), text.ToString());
        return text.ToString();
    }

    private static Dictionary<string, string> Machine() => new()
    {
        ["processor"] = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor",
        ["cores"] = $"{Environment.ProcessorCount} cores",
        ["kernel"] = KernelVersion().Match(File.ReadAllText("/proc/version")).Value,
        ["runtime"] = System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription,
    };

    private static string Row(params ReadOnlySpan<string> cells) => string.Create(CultureInfo.InvariantCulture,
        $"{cells[0],-20} {cells[1],-16} {cells[2],11}   {cells[3],-52} {cells[4]}").TrimEnd();

    private static string Value(MeasureResult result, string peer) => result.MedianOf(peer) is { } value
        ? value.ToString(value < 100 ? "N2" : "N0", CultureInfo.InvariantCulture)
        : "-";

    private static string Factor(double? ratio) => ratio?.ToString("0.00", CultureInfo.InvariantCulture) ?? "-";

    private static string Goals(MeasureResult result) => string.Join(", ", result.Goals.Select(g =>
        g.Text(result.MoreIsBetter) + (g.Met(result) switch { true => " met", false => " SHORT", null => "" })));

    [GeneratedRegex(@"Linux version \d+\.\d+")]
    private static partial Regex KernelVersion();
}
