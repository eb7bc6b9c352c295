using System.CommandLine;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Output;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy db access|keys|usage</c>: who is let in to databases, and what they used.</summary>
internal static class DbAccessCommands
{
    public static IEnumerable<Command> Create()
    {
        yield return Access();
        yield return Keys();
        yield return Usage();
    }

    private static Command Access()
    {
        var database = new Argument<string>("database") { Description = "The database." };
        var time = new Option<string?>("--for") { Description = "For how long: 30m, 8h, 7d; without it, the access that there is is listed." };
        var actions = new Option<string?>("--actions") { Description = "What may be done: select,insert." };
        var tables = new Option<string?>("--tables") { Description = "On which tables or keys: 'orders_*,customers'; all when left out." };
        var account = new Option<string?>("--account") { Description = "An account that gets a further password; a new account is made when left out." };
        var name = new Option<string?>("--name") { Description = "The new account's name; one is made up when left out." };
        var once = new Option<bool>("--once") { Description = "Used up by its first log-in." };
        var uses = new Option<int?>("--max-uses") { Description = "How many log-ins." };
        var from = new Option<string?>("--allow-from") { Description = "Networks that a new account may come from." };
        var reason = new Option<string?>("--reason") { Description = "Why: for the list and the audit trail." };
        var revoke = new Option<string?>("--revoke") { Description = "Ends the access of this name; open sessions end within seconds." };
        Option<string> cluster = ClientCommands.Cluster();
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("access", "Let somebody in to a database for a while: marchproxy db access shop --for 30m --actions select --tables 'orders_*'.")
        {
            database, time, actions, tables, account, name, once, uses, from, reason, revoke, cluster, output,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(time) is not null && result.GetValue(revoke) is not null) result.AddError("--for gives access, --revoke ends it: one of them.");
        });
        command.SetAction(result => ClientCommands.WithAsync(async client =>
        {
            string path = $"databases/{Uri.EscapeDataString(result.GetValue(database)!)}/access", query = "?cluster=" + Uri.EscapeDataString(result.GetValue(cluster)!);
            OutputFormat format = result.GetValue(output);
            if (result.GetValue(revoke) is { } id)
            {
                await client.SendAsync(HttpMethod.Delete, $"{path}/{Uri.EscapeDataString(id)}{query}", null);
                Console.WriteLine($"{id} has ended.");
                return ExitCodes.Ok;
            }

            if (result.GetValue(time) is not { } lasting)
            {
                JsonNode? all = await client.GetAsync(path + query);
                if (format == OutputFormat.Table) Show.Table((JsonArray)all!, "id", "account", "actions", "tables", "expiresAt", "uses", "maxUses", "state", "createdBy", "reason");
                else Show.Value(all, format);
                return ExitCodes.Ok;
            }

            var body = new JsonObject { ["minutes"] = Minutes(lasting) };
            foreach ((string field, string? value) in new[] { ("account", result.GetValue(account)), ("name", result.GetValue(name)), ("reason", result.GetValue(reason)) })
            {
                if (value is not null) body[field] = value;
            }

            foreach ((string field, string? value) in new[] { ("actions", result.GetValue(actions)), ("tables", result.GetValue(tables)), ("allowFrom", result.GetValue(from)) })
            {
                if (value is not null) body[field] = new JsonArray([.. value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(v => (JsonNode)v)]);
            }

            if ((result.GetValue(once) ? 1 : result.GetValue(uses)) is { } most) body["maxUses"] = most;
            JsonNode given = (await client.SendAsync(HttpMethod.Post, path + query, JsonContent.Create(body)))!;
            if (format != OutputFormat.Table)
            {
                Show.Value(given, format);
                return ExitCodes.Ok;
            }

            Console.WriteLine($"{given["id"]}: account {given["account"]} until {given["expiresAt"]}. The password is shown this once:\n\n  {given["password"]}\n");
            foreach (JsonNode? connection in (JsonArray)given["connections"]!) Console.WriteLine($"  {connection}");
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Keys()
    {
        var account = new Argument<string>("account") { Description = "The account." };
        var add = new Option<string?>("--add") { Description = "Makes a key of this name, which is given as the account's password; it is shown once." };
        var remove = new Option<string?>("--remove") { Description = "Ends the key of this name." };
        var until = new Option<string?>("--for") { Description = "How long the new key holds: 90d; for ever when left out." };
        var reason = new Option<string?>("--reason") { Description = "What it is for." };
        Option<string> cluster = ClientCommands.Cluster();
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("keys", "An account's API keys: list, make, end.") { account, add, remove, until, reason, cluster, output };
        command.SetAction(result => ClientCommands.WithAsync(async client =>
        {
            string path = "accounts/" + Uri.EscapeDataString(result.GetValue(account)!), query = "?cluster=" + Uri.EscapeDataString(result.GetValue(cluster)!);
            if (result.GetValue(remove) is { } gone)
            {
                await client.SendAsync(HttpMethod.Delete, $"{path}/keys/{Uri.EscapeDataString(gone)}{query}", null);
                Console.WriteLine($"{gone} has ended.");
                return ExitCodes.Ok;
            }

            if (result.GetValue(add) is { } name)
            {
                var body = new JsonObject { ["name"] = name, ["reason"] = result.GetValue(reason) };
                if (result.GetValue(until) is { } lasting) body["expiresAt"] = TimeProvider.System.GetUtcNow().AddMinutes(Minutes(lasting));
                JsonNode given = (await client.SendAsync(HttpMethod.Post, $"{path}/keys{query}", JsonContent.Create(body)))!;
                if (result.GetValue(output) == OutputFormat.Table) Console.WriteLine(given["key"]);
                else Show.Value(given, result.GetValue(output));
                return ExitCodes.Ok;
            }

            JsonNode keys = (await client.GetAsync(path + query))!["keys"]?.DeepClone() ?? new JsonArray();
            if (result.GetValue(output) == OutputFormat.Table) Show.Table((JsonArray)keys, "name", "expiresAt", "uses", "maxUses", "database", "createdBy", "createdAt", "reason");
            else Show.Value(keys, result.GetValue(output));
            return ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Usage()
    {
        var since = new Option<string>("--since") { Description = "How far back: 24h, 30d.", DefaultValueFactory = _ => "24h" };
        var by = new Option<string>("--by") { Description = "account, tenant, database or hour; several joined by commas.", DefaultValueFactory = _ => "account,tenant,database" };
        Option<string> cluster = ClientCommands.Cluster();
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("usage", "What accounts used of databases: connections, statements, rows, bytes.") { since, by, cluster, output };
        command.SetAction(result => ClientCommands.WithAsync(async client =>
        {
            string from = TimeProvider.System.GetUtcNow().AddMinutes(-Minutes(result.GetValue(since)!)).ToString("O", System.Globalization.CultureInfo.InvariantCulture);
            JsonNode all = (await client.GetAsync($"databases/usage?cluster={Uri.EscapeDataString(result.GetValue(cluster)!)}&from={Uri.EscapeDataString(from)}&by={Uri.EscapeDataString(result.GetValue(by)!)}"))!;
            if (result.GetValue(output) == OutputFormat.Table) Show.Table((JsonArray)all, "hour", "tenant", "account", "database", "connections", "queries", "denied", "rows", "bytesIn", "bytesOut");
            else Show.Value(all, result.GetValue(output));
            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>30m, 8h or 7d in minutes.</summary>
    private static int Minutes(string text)
    {
        int unit = text.Length == 0 ? 0 : text[^1] switch { 'm' => 1, 'h' => 60, 'd' => 1440, _ => 0 };
        return unit > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out int number) && number is > 0 and < 1_000_000
            ? number * unit
            : throw new SettingException($"\"{text}\" is not a time; write 30m, 8h or 7d.");
    }
}
