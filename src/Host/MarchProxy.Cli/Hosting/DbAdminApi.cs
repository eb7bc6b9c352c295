using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ArticDbm.Proxy;
using ArticDbm.Proxy.Audit;
using MarchProxy.Edge.Admin;
using Microsoft.AspNetCore.WebUtilities;

namespace MarchProxy.Cli.Hosting;

/// <summary><c>/databases</c> on the admin port: what operators see of the databases and do to them. It has no log-in of its own, as the rest of the port: it listens on loopback unless told otherwise.</summary>
internal sealed class DbAdminApi(DbProxy db)
{
    private const int MostTop = 1_000;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(10), s_longestPause = TimeSpan.FromMinutes(10);
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    /// <summary>Answers; null for what it does not know.</summary>
    public async Task<AdminAnswer?> AnswerAsync(AdminRequest request)
    {
        string[] path = [.. request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString)];
        if (path.Length < 2 || path[0] != "databases") return null;
        if (db.Admin is not { } admin) return Say(503, new { fault = "no configuration is in force yet" });
        var query = QueryHelpers.ParseQuery(request.Query);
        string Asked(string name) => query.TryGetValue(name, out var value) ? value.ToString() : "";
        switch (request.Method, path)
        {
            case ("GET", [_, "pools"]):
                return Say(200, await admin.PoolsAsync());
            case ("GET", [_, "clients"]):
                return Say(200, await admin.ClientsAsync());
            case ("GET", [_, "servers"]):
                return Say(200, await admin.ServersAsync());
            case ("GET", [_, "stats"]):
                return Say(200, await admin.StatsAsync());
            case ("GET", [_, "top"]):
                int limit = int.TryParse(Asked("limit"), NumberStyles.None, CultureInfo.InvariantCulture, out int wanted) ? Math.Min(wanted, MostTop) : 20;
                return Say(200, (await admin.TopAsync(Asked("database") is { Length: > 0 } one ? one : null, limit, Asked("by"))).Select(Shown));
            case ("DELETE", [_, "top"]):
                await admin.ForgetTopAsync();
                return Say(200, new { });
            case ("DELETE", [_, "clients", var id]):
                return long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && await admin.KillClientAsync(number) ? Say(200, new { killed = 1 }) : Say(404, new { fault = $"there is no client {id}" });
            case (_, [_, var name, "paused" or "connections" or "clients"]) when !admin.Knows(name):
                return Say(404, new { fault = $"there is no database \"{name}\"" });
            case ("PUT", [_, var name, "paused"]):
                TimeSpan timeout = double.TryParse(Asked("seconds"), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, s_longestPause.TotalSeconds)) : s_pause;
                int left = await admin.PauseAsync(name, timeout);
                return Say(left == 0 ? 200 : 202, new { paused = true, inUse = left });
            case ("DELETE", [_, var name, "paused"]):
                return Say(200, new { paused = false, was = await admin.ResumeAsync(name) });
            case ("DELETE", [_, var name, "connections"]):
                await admin.ReconnectAsync(name);
                return Say(200, new { });
            case ("DELETE", [_, var name, "clients"]):
                return Say(200, new { killed = await admin.KillAsync(name), paused = true });
            default:
                return null;
        }
    }

    private static object Shown(TopStatement s) => new
    {
        database = s.Database,
        fingerprint = s.Fingerprint,
        calls = s.Calls,
        rows = s.Rows,
        errors = s.Errors,
        denied = s.Denied,
        totalMs = Ms(s.TotalTicks),
        meanMs = Ms(s.TotalTicks / Math.Max(1, s.Calls)),
        maxMs = Ms(s.MaxTicks),
        text = s.Text,
    };

    private static double Ms(long ticks) => Math.Round(ticks * 1000.0 / Stopwatch.Frequency, 3);

    private static AdminAnswer Say<T>(int status, T value) => new(status, JsonSerializer.SerializeToUtf8Bytes(value, s_json));
}
