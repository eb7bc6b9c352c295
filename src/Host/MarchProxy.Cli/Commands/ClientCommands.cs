using System.CommandLine;
using System.CommandLine.Completions;
using System.Text.Json.Nodes;
using MarchProxy.Cli.Client;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Output;
using MarchProxy.Model.Intake;

namespace MarchProxy.Cli.Commands;

/// <summary>Commands that ask a manager: login, get, describe, delete, keys.</summary>
internal static class ClientCommands
{
    private static readonly string[] s_kinds = [.. ResourceKind.All.Select(k => k.Plural), "proxies", "users"];

    public static IEnumerable<Command> Create()
    {
        yield return Login();
        yield return Get();
        yield return Describe();
        yield return Delete();
        yield return Keys();
    }

    /// <summary>The option that names a cluster.</summary>
    public static Option<string> Cluster() => new("--cluster") { Description = "The cluster.", DefaultValueFactory = _ => "default" };

    /// <summary>Runs a command against the manager; a refusal is printed with every fault.</summary>
    public static async Task<int> WithAsync(Func<ApiClient, Task<int>> run)
    {
        try
        {
            using var client = new ApiClient(Credentials.Load());
            return await run(client);
        }
        catch (ApiException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            foreach (JsonNode? fault in e.Faults) await Console.Error.WriteLineAsync($"  {fault!["object"]} {fault["field"]}: {fault["message"]}; {fault["mend"]}".Replace(" : ", ": ", StringComparison.Ordinal));
            return e.Status is 400 or 422 ? ExitCodes.Invalid : ExitCodes.Failed;
        }
    }

    private static Command Login()
    {
        var url = new Argument<string>("url") { Description = "The manager: http://127.0.0.1:8000." };
        var user = new Option<string>("--user", "-u") { Description = "The account.", DefaultValueFactory = _ => "admin" };
        var password = new Option<string?>("--password-file") { Description = "A file with the password, - for standard input; else MARCHPROXY_PASSWORD, else asked for." };
        var command = new Command("login", "Sign in to a manager.") { url, user, password };
        command.SetAction(async result =>
        {
            string secret = result.GetValue(password) switch
            {
                "-" => (await Console.In.ReadLineAsync()) ?? "",
                { } file => (await File.ReadAllTextAsync(file)).Trim(),
                _ => Environment.GetEnvironmentVariable("MARCHPROXY_PASSWORD") ?? Spectre.Console.AnsiConsole.Prompt(new Spectre.Console.TextPrompt<string>("Password:") { IsSecret = true }),
            };
            try
            {
                Uri address = Credentials.ParseUrl(result.GetValue(url)!);
                await ApiClient.LoginAsync(address, result.GetValue(user)!, secret);
                Console.WriteLine($"Signed in to {address} as {result.GetValue(user)}.");
                return ExitCodes.Ok;
            }
            catch (ApiException e)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return ExitCodes.Failed;
            }
        });
        return command;
    }

    private static Command Get()
    {
        Argument<string> kind = Kind();
        var name = new Argument<string?>("name") { Description = "One object; all without it.", Arity = ArgumentArity.ZeroOrOne };
        name.CompletionSources.Add(Names);
        Option<string> cluster = Cluster();
        Option<OutputFormat> output = SharedOptions.Output();
        var label = new Option<string?>("--label", "-l") { Description = "KEY=VALUE, or KEY." };
        var command = new Command("get", "List objects, or show one.") { kind, name, cluster, output, label };
        command.SetAction(result => WithAsync(async client =>
        {
            string plural = Plural(result.GetValue(kind)!), query = "cluster=" + Uri.EscapeDataString(result.GetValue(cluster)!);
            OutputFormat format = result.GetValue(output);
            if (result.GetValue(name) is { } one)
            {
                JsonNode? found = await client.GetAsync($"{plural}/{Uri.EscapeDataString(one)}?{query}");
                Show.Value(found, format == OutputFormat.Table ? OutputFormat.Yaml : format);
                return ExitCodes.Ok;
            }

            if (result.GetValue(label) is { } wanted) query += "&label=" + Uri.EscapeDataString(wanted);
            JsonArray all = await AllAsync(client, plural, query);
            if (format != OutputFormat.Table) Show.Value(new JsonObject { [plural] = all }, format);
            else Show.Table(all, Columns(plural));
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Describe()
    {
        Argument<string> kind = Kind();
        var name = new Argument<string>("name") { Description = "The object." };
        name.CompletionSources.Add(Names);
        Option<string> cluster = Cluster();
        var command = new Command("describe", "An object, who names it, and what happened to it lately.") { kind, name, cluster };
        command.SetAction(result => WithAsync(async client =>
        {
            string plural = Plural(result.GetValue(kind)!), one = result.GetValue(name)!, query = "cluster=" + Uri.EscapeDataString(result.GetValue(cluster)!);
            Console.WriteLine(Show.Yaml(await client.GetAsync($"{plural}/{Uri.EscapeDataString(one)}?{query}")));
            if (plural == "services")
            {
                foreach ((string user, string field) in new[] { ("mappings", "sources"), ("mappings", "destinations") })
                {
                    foreach (JsonNode? item in await AllAsync(client, user, $"{query}&filter={field}:{Uri.EscapeDataString(one)}")) Console.WriteLine($"named by {user}/{item!["name"]} ({field})");
                }
            }

            JsonNode? audit = await client.GetAsync($"audit?limit=5&kind={plural}&name={Uri.EscapeDataString(one)}&{query}");
            Show.Table((JsonArray)audit!["items"]!, "at", "actor", "action", "result");
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Delete()
    {
        Argument<string> kind = Kind();
        var name = new Argument<string>("name") { Description = "The object." };
        name.CompletionSources.Add(Names);
        Option<string> cluster = Cluster();
        var dry = new Option<bool>("--dry-run") { Description = "Only tell what would happen." };
        var command = new Command("delete", "Delete an object that nothing names.") { kind, name, cluster, dry };
        command.SetAction(result => WithAsync(async client =>
        {
            string plural = Plural(result.GetValue(kind)!);
            JsonNode? done = await client.SendAsync(
                HttpMethod.Delete, $"{plural}/{Uri.EscapeDataString(result.GetValue(name)!)}?cluster={Uri.EscapeDataString(result.GetValue(cluster)!)}&dryRun={(result.GetValue(dry) ? "true" : "false")}", null);
            if (done is not null && done["objects"] is not null) ApplyCommand.Print(done);
            else Console.WriteLine($"{plural}/{result.GetValue(name)} deleted");
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Keys()
    {
        var keys = new Command("keys", "API keys of clusters: what data planes prove themselves with.");
        var name = new Argument<string>("cluster") { Description = "The cluster.", DefaultValueFactory = _ => "default" };
        var overlap = new Option<string>("--overlap") { Description = "How long the keys before hold: 30m, 24h, 7d.", DefaultValueFactory = _ => "24h" };
        var list = new Command("list", "The keys that hold.") { name };
        list.SetAction(result => WithAsync(async client =>
        {
            Show.Table((JsonArray)(await client.GetAsync($"clusters/{Uri.EscapeDataString(result.GetValue(name)!)}/keys"))!, "id", "createdAt", "expiresAt");
            return ExitCodes.Ok;
        }));
        var rotate = new Command("rotate", "Make a new key, shown once; those before end after the overlap.") { name, overlap };
        rotate.SetAction(result => WithAsync(async client =>
        {
            JsonNode? key = await client.SendAsync(HttpMethod.Post, $"clusters/{Uri.EscapeDataString(result.GetValue(name)!)}/keys?overlap={Uri.EscapeDataString(result.GetValue(overlap)!)}", null);
            Console.WriteLine(key!["key"]);
            return ExitCodes.Ok;
        }));
        keys.Subcommands.Add(list);
        keys.Subcommands.Add(rotate);
        return keys;
    }

    private static Argument<string> Kind()
    {
        var kind = new Argument<string>("kind") { Description = string.Join(", ", s_kinds) + "." };
        kind.CompletionSources.Add(_ => s_kinds.Select(k => new CompletionItem(k)));
        kind.Validators.Add(result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
            if (!s_kinds.Contains(Plural(text))) result.AddError($"{text} is not a kind; {(Suggestion.For(text, s_kinds) is { } near ? $"did you mean {near}?" : "there are " + string.Join(", ", s_kinds))}");
        });
        return kind;
    }

    private static string Plural(string kind) => kind == "proxy" ? "proxies" : ResourceKind.Find(kind)?.Plural ?? kind;

    private static string[] Columns(string plural) => plural switch
    {
        "services" => ["name", "addresses", "ports", "protocol", "collection", "updatedAt"],
        "mappings" => ["name", "sources", "destinations", "protocols", "ports", "effect", "priority"],
        "routes" => ["name", "hosts", "paths", "backends", "updatedAt"],
        "listeners" => ["name", "address", "port", "purpose", "protocol"],
        "databases" => ["name", "engine", "servers", "readWriteSplit", "updatedAt"],
        "accounts" => ["name", "allowFrom", "requireTls", "expiresAt", "updatedAt"],
        "grants" => ["name", "account", "database", "tables", "actions", "until"],
        "securityPolicies" => ["name", "databases", "detection", "updatedAt"],
        "proxies" => ["name", "kind", "state", "runningVersion", "currentVersion", "nack", "host", "lastSeen"],
        "users" => ["email", "role", "cluster", "lockedUntil"],
        _ => ["name", "description", "updatedAt", "updatedBy"],
    };

    /// <summary>Every page of a list.</summary>
    public static async Task<JsonArray> AllAsync(ApiClient client, string plural, string query)
    {
        var all = new JsonArray();
        string? cursor = null;
        do
        {
            JsonNode? page = await client.GetAsync($"{plural}?{query}&limit=1000{(cursor is null ? "" : "&cursor=" + cursor)}");
            if (page is JsonArray whole) return (JsonArray)whole.DeepClone();
            foreach (JsonNode? item in (JsonArray)page!["items"]!) all.Add(item!.DeepClone());
            cursor = page["next"]?.GetValue<string>();
        }
        while (cursor is not null);
        return all;
    }

    /// <summary>Names of the kind that stands before, for the shell's completion; silent when the manager cannot be asked.</summary>
    private static IEnumerable<CompletionItem> Names(CompletionContext context)
    {
        try
        {
            string? kind = context.ParseResult.CommandResult.Tokens.Select(t => t.Value).FirstOrDefault(t => s_kinds.Contains(Plural(t)));
            if (kind is null) return [];
            using var client = new ApiClient(Credentials.Load());
            return [.. AllAsync(client, Plural(kind), "cluster=default").GetAwaiter().GetResult().Select(i => new CompletionItem(i!["name"]!.ToString()))];
        }
        catch (Exception e) when (e is SettingException or ApiException)
        {
            return [];
        }
    }
}
