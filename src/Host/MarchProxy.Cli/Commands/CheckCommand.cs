using System.CommandLine;
using System.Text.Json;
using MarchProxy.Cli.Configuration;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using Spectre.Console;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy check FILE...</c>: every fault of resource files, without touching anything.</summary>
internal static class CheckCommand
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create()
    {
        var files = new Argument<string[]>("file") { Description = "Resource files in YAML or JSON.", Arity = ArgumentArity.OneOrMore };
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("check", "Find every fault in resource files; exits with 3 when there is one.") { files, output };
        command.SetAction(result => Run(result.GetValue(files)!, result.GetValue(output)));
        return command;
    }

    private static int Run(string[] files, OutputFormat output)
    {
        var loaded = files.Select(f => (Path: f, File: ResourceFile.Load(f))).ToList();
        bool failed = loaded.Any(f => f.File.Snapshot is null);
        switch (output)
        {
            case OutputFormat.Json:
                Console.WriteLine(JsonSerializer.Serialize(loaded.Select(f => Report(f.Path, f.File)), s_json));
                break;
            case OutputFormat.Yaml:
                new YamlDotNet.Serialization.SerializerBuilder()
                    .WithNamingConvention(YamlDotNet.Serialization.NamingConventions.CamelCaseNamingConvention.Instance).Build()
                    .Serialize(Console.Out, loaded.Select(f => Report(f.Path, f.File)));
                break;
            default:
                foreach ((string path, ResourceFile file) in loaded) Print(path, file);
                break;
        }

        return failed ? ExitCodes.Invalid : ExitCodes.Ok;
    }

    private static CheckReport Report(string path, ResourceFile file) => new(
        path,
        file.Snapshot is not null,
        file.Snapshot?.Version,
        [.. file.Diagnostics.Select(d => new CheckFinding(d.Severity == Severity.Error ? "error" : "warning", d.Position.Line, d.Position.Column, d.Object, d.Field, d.Message, d.Mend))]);

    private static void Print(string path, ResourceFile file)
    {
        foreach (Diagnostic diagnostic in file.Diagnostics) Console.Error.WriteLine(diagnostic);
        if (file.Snapshot is not { } snapshot)
        {
            Console.Error.WriteLine($"{path}: {file.Diagnostics.Count(d => d.Severity == Severity.Error)} error(s); nothing of it would be used.");
            return;
        }

        ResourceSet set = file.Set;
        var table = new Table().AddColumns("kind", "count", "names");
        Row(table, "services", set.Services);
        Row(table, "mappings", set.Mappings);
        Row(table, "routes", set.Routes);
        Row(table, "listeners", set.Listeners);
        Row(table, "certificates", set.Certificates);
        AnsiConsole.Write(table);
        Console.WriteLine($"{path}: no fault; version {snapshot.Version}");
    }

    private static void Row(Table table, string kind, IReadOnlyCollection<Resource> resources)
    {
        if (resources.Count == 0) return;
        string names = string.Join(", ", resources.Take(6).Select(r => r.Name)) + (resources.Count > 6 ? ", ..." : "");
        table.AddRow(kind, resources.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), Markup.Escape(names));
    }

    private sealed record CheckReport(string File, bool Valid, string? Version, IReadOnlyList<CheckFinding> Findings);

    private sealed record CheckFinding(string Severity, int Line, int Column, string Object, string Field, string Message, string Mend);
}
