using System.Text.RegularExpressions;

namespace MarchProxy.Bench.Peers;

/// <summary>Configuration files that lie beside the program, with <c>@NAME@</c> where a run fills in its own ports and paths.</summary>
internal static partial class Template
{
    /// <summary>Fills the template <paramref name="name"/> and writes it to <paramref name="path"/>, which it returns.</summary>
    /// <exception cref="BenchException">A placeholder has no value.</exception>
    public static string Write(string name, string path, IReadOnlyDictionary<string, string> values)
    {
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, name));
        File.WriteAllText(path, Placeholder().Replace(text, m =>
            values.TryGetValue(m.Groups[1].Value, out string? value) ? value : throw new BenchException($"{name}: no value for {m.Value}")));
        return path;
    }

    [GeneratedRegex("@([A-Z]+)@")]
    private static partial Regex Placeholder();
}
