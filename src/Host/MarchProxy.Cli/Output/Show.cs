using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MarchProxy.Cli.Configuration;
using Spectre.Console;

namespace MarchProxy.Cli.Output;

/// <summary>Prints answers: tables for people, JSON or YAML for programs.</summary>
internal static class Show
{
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Prints a value as JSON or YAML.</summary>
    public static void Value(JsonNode? value, OutputFormat format) => Console.Out.WriteLine(format == OutputFormat.Json ? value?.ToJsonString(s_json) ?? "null" : Yaml(value).TrimEnd('\n'));

    /// <summary>A value as YAML.</summary>
    public static string Yaml(JsonNode? value) => new YamlDotNet.Serialization.SerializerBuilder().WithQuotingNecessaryStrings().Build().Serialize(Plain(value)!);

    /// <summary>Prints a table; columns are fields, and a dot leads inside.</summary>
    public static void Table(IEnumerable<JsonNode?> rows, params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns) table.AddColumn(new TableColumn(Markup.Escape(column)).NoWrap());
        foreach (JsonNode? row in rows) table.AddRow([.. columns.Select(c => Markup.Escape(Cell(row?[c])))]);
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 400;
        AnsiConsole.Write(table);
    }

    private static string Cell(JsonNode? value) => value switch
    {
        null => "-",
        JsonArray list => string.Join(",", list.Select(Cell)),
        JsonObject map => string.Join(",", map.Select(p => $"{p.Key}={Cell(p.Value)}")),
        _ => value.ToString(),
    };

    private static object? Plain(JsonNode? node) => node switch
    {
        null => null,
        JsonObject map => map.ToDictionary(p => p.Key, p => Plain(p.Value)),
        JsonArray list => list.Select(Plain).ToList(),
        JsonValue value when value.TryGetValue(out bool flag) => flag,
        JsonValue value when value.TryGetValue(out long number) => number,
        JsonValue value when value.TryGetValue(out double number) => number.ToString(CultureInfo.InvariantCulture),
        _ => node.ToString(),
    };
}
