using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Output;

namespace MarchProxy.Cli.Commands;

/// <summary><c>history</c>, <c>diff</c> and <c>rollback</c>.</summary>
internal static class HistoryCommands
{
    public static IEnumerable<Command> Create()
    {
        yield return History();
        yield return Diff();
        yield return Rollback();
    }

    private static Command History()
    {
        Option<string> cluster = ClientCommands.Cluster();
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("history", "The versions of a cluster, newest first.") { cluster, output };
        command.SetAction(result => ClientCommands.WithAsync(async client =>
        {
            JsonNode? page = await client.GetAsync("versions?limit=100&cluster=" + Uri.EscapeDataString(result.GetValue(cluster)!));
            if (result.GetValue(output) == OutputFormat.Table) Show.Table((JsonArray)page!["items"]!, "number", "version", "author", "createdAt", "comment");
            else Show.Value(page!["items"], result.GetValue(output));
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Diff()
    {
        var from = new Argument<long>("from") { Description = "A version's number." };
        var to = new Argument<long>("to") { Description = "Another." };
        Option<string> cluster = ClientCommands.Cluster();
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("diff", "What lies between two versions.") { from, to, cluster, output };
        command.SetAction(result => ClientCommands.WithAsync(async client =>
        {
            JsonNode? diff = await client.GetAsync(string.Create(CultureInfo.InvariantCulture, $"versions/{result.GetValue(from)}/diff/{result.GetValue(to)}?cluster={Uri.EscapeDataString(result.GetValue(cluster)!)}"));
            if (result.GetValue(output) != OutputFormat.Table) Show.Value(diff, result.GetValue(output));
            else foreach (JsonNode? item in (JsonArray)diff!["objects"]!) Print(item!);
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Rollback()
    {
        var number = new Argument<long>("number") { Description = "The version to go back to." };
        var dry = new Option<bool>("--dry-run") { Description = "Only tell what would happen." };
        Option<string> cluster = ClientCommands.Cluster();
        var command = new Command("rollback", "Make a cluster what it was at a version; a new version, which can be undone itself.") { number, dry, cluster };
        command.SetAction(result => ClientCommands.WithAsync(async client =>
        {
            JsonNode? done = await client.SendAsync(
                HttpMethod.Post, string.Create(CultureInfo.InvariantCulture, $"versions/{result.GetValue(number)}/rollback?cluster={Uri.EscapeDataString(result.GetValue(cluster)!)}&dryRun={(result.GetValue(dry) ? "true" : "false")}"), null);
            ApplyCommand.Print(done!);
            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>Lines that went and lines that came, as people know them from diff.</summary>
    private static void Print(JsonNode item)
    {
        Console.WriteLine($"{item["kind"]}/{item["name"]} {item["action"]}{(item["secretChanged"]!.GetValue<bool>() ? " (a secret too)" : "")}");
        string[] before = Lines(item["before"]), after = Lines(item["after"]);
        foreach (string line in before.Except(after)) Console.WriteLine("  - " + line);
        foreach (string line in after.Except(before)) Console.WriteLine("  + " + line);
    }

    private static string[] Lines(JsonNode? value) => value is null ? [] : Show.Yaml(value).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
