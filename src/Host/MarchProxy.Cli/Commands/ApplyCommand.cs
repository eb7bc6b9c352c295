using System.CommandLine;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using MarchProxy.Cli.Client;
using MarchProxy.Cli.Configuration;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy apply -f FILE</c>: files, folders or standard input into the manager, all of it or nothing. Secrets are read here, and tokens leave hashed.</summary>
internal static class ApplyCommand
{
    public static Command Create()
    {
        var files = new Option<string[]>("--file", "-f") { Description = "Files, folders, or - for standard input.", Required = true, AllowMultipleArgumentsPerToken = true };
        var dry = new Option<bool>("--dry-run") { Description = "Only tell what would happen." };
        var prune = new Option<bool>("--prune") { Description = "Delete what the files do not name." };
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("apply", "Make the configuration what resource files say.") { files, dry, prune, output };
        command.SetAction(result => RunAsync(result.GetValue(files)!, result.GetValue(dry), result.GetValue(prune), result.GetValue(output)));
        return command;
    }

    /// <summary>Prints what an edit did, an object a line.</summary>
    public static void Print(JsonNode written)
    {
        bool dry = written["dryRun"]!.GetValue<bool>();
        foreach (JsonNode? change in (JsonArray)written["objects"]!)
        {
            string kind = ResourceKind.Find(change!["kind"]!.ToString())?.Singular ?? change["kind"]!.ToString();
            Console.WriteLine($"{kind}/{change["name"]} {change["action"]}{(dry && change["action"]!.ToString() != "unchanged" ? " (dry run)" : "")}");
            if (change["token"] is { } token) Console.WriteLine($"  its token, shown this once: {token}");
        }

        foreach (JsonNode? denied in (JsonArray)written["newlyDenied"]!) Console.WriteLine($"{(dry ? "would newly deny" : "newly denied")}: {denied}");
        PolicyCommands.PrintForecast(written["flows"]);
        foreach (JsonNode? warning in (JsonArray)written["warnings"]!) Console.Error.WriteLine($"warning: {warning}");
        foreach (JsonNode? version in (JsonArray)written["versions"]!) Console.WriteLine($"cluster {version!["cluster"]}: version {version["version"]}{(dry ? "" : $" (number {version["number"]})")}");
    }

    private static async Task<int> RunAsync(string[] given, bool dry, bool prune, OutputFormat output)
    {
        var resources = new List<Resource>();
        bool wrong = false;
        foreach (string path in given.SelectMany(Expand))
        {
            ResourceFile file = ResourceFile.Read(path);
            foreach (Diagnostic diagnostic in file.Diagnostics) await Console.Error.WriteLineAsync(diagnostic.ToString());
            wrong |= file.Diagnostics.Any(d => d.Severity == Severity.Error);
            resources.AddRange(file.Set.All);
        }

        if (wrong)
        {
            await Console.Error.WriteLineAsync("Nothing was applied.");
            return ExitCodes.Invalid;
        }

        var places = resources.GroupBy(r => r.Reference).ToDictionary(g => g.Key, g => g.First().Position, StringComparer.Ordinal);
        return await ClientCommands.WithAsync(async client =>
        {
            var content = new ByteArrayContent(Write(resources)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            try
            {
                JsonNode? done = await client.SendAsync(HttpMethod.Post, $"apply?dryRun={(dry ? "true" : "false")}&prune={(prune ? "true" : "false")}", content);
                if (output == OutputFormat.Table) Print(done!);
                else Output.Show.Value(done, output);
                return ExitCodes.Ok;
            }
            catch (ApiException e) when (e.Faults.Count > 0)
            {
                foreach (JsonNode? fault in e.Faults)
                {
                    string subject = fault!["object"]!.ToString();
                    string where = places.TryGetValue(subject, out SourcePosition at) ? FormattableString.Invariant($"{at.File}:{at.Line}:{at.Column}: ") : "";
                    await Console.Error.WriteLineAsync($"{where}error: {subject} {fault["field"]}: {fault["message"]}; {fault["mend"]}".Replace(" : ", ": ", StringComparison.Ordinal));
                }

                await Console.Error.WriteLineAsync("Nothing was applied.");
                return ExitCodes.Invalid;
            }
        });
    }

    private static IEnumerable<string> Expand(string path) => Directory.Exists(path)
        ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(f => Path.GetExtension(f) is ".yaml" or ".yml" or ".json").Order(StringComparer.Ordinal)
        : [path];

    private static byte[] Write(List<Resource> resources)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (ResourceKind kind in ResourceKind.All)
            {
                json.WriteStartArray(kind.Plural);
                foreach (Resource resource in resources.Where(r => r.Kind == kind.Singular)) ResourceWriter.Write(json, resource);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
