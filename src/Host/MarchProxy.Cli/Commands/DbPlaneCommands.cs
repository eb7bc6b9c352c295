using System.CommandLine;
using System.Text.Json.Nodes;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Output;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy db pools|clients|servers|stats|top|pause|resume|reconnect|kill</c>: one data plane's databases while they run, by its admin port.</summary>
internal static class DbPlaneCommands
{
    public static IEnumerable<Command> Create(SettingSource settings)
    {
        yield return List(settings, "pools", "Connections of each database: clients, servers, who waits.", "database", "server", "role", "mode", "clientsActive", "clientsIdle", "clientsWaiting", "serversActive", "serversIdle", "limit", "maxWaitMicros", "paused", "fault");
        yield return List(settings, "clients", "Who is connected.", "id", "account", "key", "database", "state", "client", "server", "connectedAt", "tls", "application");
        yield return List(settings, "servers", "Connections to database servers.", "database", "user", "server", "state", "local", "ageMs", "tls", "client");
        yield return List(settings, "stats", "What passed through each database since the process began.", "database", "transactions", "queries", "bytesIn", "bytesOut", "transactionMicros", "queryMicros", "waitMicros");
        yield return Top(settings);
        yield return Pause(settings);
        yield return Act(settings, "resume", "Lend connections again.", HttpMethod.Delete, "paused", (_, name) => $"{name} is resumed.");
        yield return Act(settings, "reconnect", "Replace the connections to a database's servers: free ones now, the others when they come back.", HttpMethod.Delete, "connections", (_, name) => $"{name}: its server connections are replaced.");
        yield return Kill(settings);
    }

    private static Command List(SettingSource settings, string name, string description, params string[] columns)
    {
        Option<string> admin = Admin(settings);
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command(name, description) { admin, output };
        command.SetAction(async result => Print(await SendAsync(result.GetValue(admin)!, HttpMethod.Get, name), result.GetValue(output), columns));
        return command;
    }

    private static Command Top(SettingSource settings)
    {
        Option<string> admin = Admin(settings);
        Option<OutputFormat> output = SharedOptions.Output();
        var database = new Argument<string?>("database") { Description = "The database; all when left out.", Arity = ArgumentArity.ZeroOrOne };
        var limit = new Option<int>("--limit", "-n") { Description = "How many.", DefaultValueFactory = _ => 20 };
        var by = new Option<string>("--by") { Description = "total, mean, max, calls, rows or errors.", DefaultValueFactory = _ => "total" };
        by.AcceptOnlyFromAmong("total", "mean", "max", "calls", "rows", "errors");
        var forget = new Option<bool>("--forget") { Description = "Begin the counting anew." };
        var command = new Command("top", "The statements that cost most, by shape.") { database, limit, by, forget, admin, output };
        command.SetAction(async result =>
        {
            if (result.GetValue(forget)) return await SendAsync(result.GetValue(admin)!, HttpMethod.Delete, "top") is null ? ExitCodes.Failed : ExitCodes.Ok;
            string query = FormattableString.Invariant($"top?limit={result.GetValue(limit)}&by={result.GetValue(by)}") + (result.GetValue(database) is { } one ? "&database=" + Uri.EscapeDataString(one) : "");
            return Print(await SendAsync(result.GetValue(admin)!, HttpMethod.Get, query), result.GetValue(output), "database", "fingerprint", "calls", "totalMs", "meanMs", "maxMs", "rows", "errors", "denied", "text");
        });
        return command;
    }

    private static Command Pause(SettingSource settings)
    {
        Option<string> admin = Admin(settings);
        var database = new Argument<string>("database") { Description = "The database." };
        var wait = new Option<int>("--wait") { Description = "Seconds to wait for transactions to end.", DefaultValueFactory = _ => 10 };
        var command = new Command("pause", "Lend no connections to a database any more: transactions end, new ones wait in the queue until resume.") { database, wait, admin };
        command.SetAction(async result =>
        {
            string name = result.GetValue(database)!;
            JsonNode? answer = await SendAsync(result.GetValue(admin)!, HttpMethod.Put, FormattableString.Invariant($"{Uri.EscapeDataString(name)}/paused?seconds={result.GetValue(wait)}"));
            if (answer is null) return ExitCodes.Failed;
            int left = answer["inUse"]!.GetValue<int>();
            Console.WriteLine(left == 0 ? $"{name} is paused; no connection to its servers is open." : FormattableString.Invariant($"{name} is paused, but {left} connections are still in use."));
            return left == 0 ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command;
    }

    private static Command Kill(SettingSource settings)
    {
        Option<string> admin = Admin(settings);
        var database = new Argument<string?>("database") { Description = "Ends all its clients and server connections; it stays paused until resume.", Arity = ArgumentArity.ZeroOrOne };
        var client = new Option<long?>("--client") { Description = "Ends this client alone; db clients has its number." };
        var command = new Command("kill", "End clients at once.") { database, client, admin };
        command.Validators.Add(result =>
        {
            if (result.GetValue(database) is null == result.GetValue(client) is null) result.AddError("Name a database, or --client NUMBER.");
        });
        command.SetAction(async result =>
        {
            string path = result.GetValue(client) is { } id ? FormattableString.Invariant($"clients/{id}") : Uri.EscapeDataString(result.GetValue(database)!) + "/clients";
            if (await SendAsync(result.GetValue(admin)!, HttpMethod.Delete, path) is not { } answer) return ExitCodes.Failed;
            Console.WriteLine($"{answer["killed"]} ended.{(result.GetValue(database) is { } name ? $" {name} is paused: marchproxy db resume {name} lets clients in again." : "")}");
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Command Act(SettingSource settings, string verb, string description, HttpMethod method, string what, Func<JsonNode, string, string> told)
    {
        Option<string> admin = Admin(settings);
        var database = new Argument<string>("database") { Description = "The database." };
        var command = new Command(verb, description) { database, admin };
        command.SetAction(async result =>
        {
            string name = result.GetValue(database)!;
            if (await SendAsync(result.GetValue(admin)!, method, $"{Uri.EscapeDataString(name)}/{what}") is not { } answer) return ExitCodes.Failed;
            Console.WriteLine(told(answer, name));
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Option<string> Admin(SettingSource settings) => SharedOptions.Text(settings, "--db-admin", "The plane's admin address: ArticDBM's own, or the edge's in up.", "127.0.0.1:9090");

    private static int Print(JsonNode? answer, OutputFormat format, params string[] columns)
    {
        if (answer is null) return ExitCodes.Failed;
        if (format == OutputFormat.Table) Show.Table((JsonArray)answer, columns);
        else Show.Value(answer, format);
        return ExitCodes.Ok;
    }

    private static async Task<JsonNode?> SendAsync(string admin, HttpMethod method, string path)
    {
        // A pause may take as long as it is told to wait.
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(11) };
        try
        {
            using var request = new HttpRequestMessage(method, new Uri((admin.Contains("://", StringComparison.Ordinal) ? admin : "http://" + admin).TrimEnd('/') + "/databases/" + path));
            using HttpResponseMessage response = await http.SendAsync(request);
            string text = await response.Content.ReadAsStringAsync();
            JsonNode? json = response.Content.Headers.ContentType?.MediaType == "application/json" ? JsonNode.Parse(text) : null;
            if (response.IsSuccessStatusCode && json is not null) return json;
            await Console.Error.WriteLineAsync(json?["fault"]?.ToString() ?? $"{admin} serves no databases; name ArticDBM's admin address with --db-admin.");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or UriFormatException)
        {
            await Console.Error.WriteLineAsync($"{admin} cannot be asked: {e.Message} Name the plane's admin address with --db-admin.");
        }

        return null;
    }
}
