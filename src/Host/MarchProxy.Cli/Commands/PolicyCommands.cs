using System.CommandLine;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Output;

namespace MarchProxy.Cli.Commands;

/// <summary>Commands about the egress policy: what it would say (explain), and what it said (flows).</summary>
internal static class PolicyCommands
{
    public static IEnumerable<Command> Create()
    {
        yield return Explain();
        yield return Flows();
    }

    /// <summary>Prints what a dry run would do to the flows of the last 24 hours.</summary>
    public static void PrintForecast(JsonNode? flows)
    {
        if (flows is null) return;
        foreach ((string list, string word) in new[] { ("newlyDenied", "deny"), ("newlyAllowed", "allow") })
        {
            foreach (JsonNode? verdict in (JsonArray)flows[list]!)
            {
                JsonNode flow = verdict!["flow"]!;
                string source = flow["source"]!.ToString() is { Length: > 0 } known ? known : "(nobody known)";
                string reason = verdict["reason"]!.ToString(), by = verdict["mapping"] is { } mapping ? $" by mapping/{mapping}" : "";
                long times = flow[word == "deny" ? "allowed" : "denied"]!.GetValue<long>() + (word == "deny" ? flow["reported"]!.GetValue<long>() : 0);
                Console.WriteLine(
                    $"would newly {word} a flow of the last 24 h: {source} to {flow["host"]}:{flow["port"]} ({string.Join(", ", ((JsonArray)flow["protocols"]!).Select(p => p!.ToString()))}), "
                    + string.Create(CultureInfo.InvariantCulture, $"{times} times, last at {flow["lastSeen"]}{by}{(reason == "none" ? "" : ": " + reason)}"));
            }
        }

        if (flows["more"]!.GetValue<int>() is > 0 and int more) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"and {more} more flows"));
        Console.WriteLine($"{flows["asked"]} flows of the last 24 h were asked about");
    }

    private static Command Explain()
    {
        var source = new Argument<string?>("source") { Description = "The service that asks.", Arity = ArgumentArity.ZeroOrOne };
        var destination = new Argument<string?>("destination") { Description = "HOST:PORT/PROTOCOL; port 443 and https where they are left out.", Arity = ArgumentArity.ZeroOrOne };
        var from = new Option<string?>("--from") { Description = "The service that asks." };
        var to = new Option<string?>("--to") { Description = "HOST:PORT/PROTOCOL." };
        var protocol = new Option<string?>("--protocol") { Description = "tcp, udp, icmp, http or https (default)." };
        Option<string> cluster = ClientCommands.Cluster();
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("explain", "May this service reach that destination, and why not: marchproxy explain --from billing --to api.example:443/tcp.") { source, destination, from, to, protocol, cluster, output };
        command.Validators.Add(result =>
        {
            if ((result.GetValue(from) ?? result.GetValue(source)) is null) result.AddError("Say who asks: --from SERVICE.");
            else if ((result.GetValue(to) ?? result.GetValue(destination)) is null) result.AddError("Say what is asked for: --to HOST:PORT.");
        });
        command.SetAction(result => ClientCommands.WithAsync(async client =>
        {
            (string host, int port, string? told) = Target((result.GetValue(to) ?? result.GetValue(destination))!);
            JsonNode? answer = await client.SendAsync(HttpMethod.Post, "explain", JsonContent.Create(new
            {
                source = result.GetValue(from) ?? result.GetValue(source),
                destination = host,
                port,
                protocol = result.GetValue(protocol) ?? told ?? "https",
                cluster = result.GetValue(cluster),
            }));
            if (result.GetValue(output) == OutputFormat.Table) Console.WriteLine(answer!["text"]);
            else Show.Value(answer, result.GetValue(output));
            return answer!["effect"]!.ToString() == "deny" ? ExitCodes.Failed : ExitCodes.Ok;
        }));
        return command;
    }

    private static Command Flows()
    {
        var source = new Option<string?>("--from") { Description = "Of this service alone." };
        var host = new Option<string?>("--to") { Description = "To hosts that contain this." };
        var decision = new Option<string?>("--decision") { Description = "allow, deny or report." };
        Option<string> cluster = ClientCommands.Cluster();
        Option<OutputFormat> output = SharedOptions.Output();
        var command = new Command("flows", "Who asked for what in the last 24 hours, and what was said; the latest first.") { source, host, decision, cluster, output };
        command.SetAction(result => ClientCommands.WithAsync(async client =>
        {
            var query = new List<string> { "cluster=" + Uri.EscapeDataString(result.GetValue(cluster)!) };
            foreach ((string name, string? value) in new[] { ("source", result.GetValue(source)), ("host", result.GetValue(host)), ("decision", result.GetValue(decision)) })
            {
                if (value is not null) query.Add($"{name}={Uri.EscapeDataString(value)}");
            }

            JsonArray all = await ClientCommands.AllAsync(client, "flows", string.Join('&', query));
            if (result.GetValue(output) == OutputFormat.Table) Show.Table(all, "source", "host", "port", "protocols", "allowed", "denied", "reported", "mapping", "reason", "lastSeen");
            else Show.Value(new JsonObject { ["flows"] = all }, result.GetValue(output));
            return ExitCodes.Ok;
        }));
        return command;
    }

    /// <summary>HOST[:PORT][/PROTOCOL]; an IPv6 address with a port stands in brackets.</summary>
    internal static (string Host, int Port, string? Protocol) Target(string text)
    {
        int slash = text.LastIndexOf('/');
        string? protocol = slash >= 0 ? text[(slash + 1)..] : null;
        if (slash >= 0) text = text[..slash];
        int colon = text.LastIndexOf(':');
        bool oneColon = colon > 0 && (text.IndexOf(':', StringComparison.Ordinal) == colon || text[colon - 1] == ']');
        bool hasPort = oneColon && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        int port = hasPort ? int.Parse(text[(colon + 1)..], CultureInfo.InvariantCulture) : 443;
        return ((hasPort ? text[..colon] : text).Trim('[', ']'), port, protocol);
    }
}
