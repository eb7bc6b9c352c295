using System.Globalization;
using System.Net;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Admin;

/// <summary>An answer of the console: rows, or a command's tag, or a fault.</summary>
internal sealed record ConsoleAnswer(string Tag)
{
    /// <summary>Names of columns; null when it is no table.</summary>
    public string[]? Columns { get; init; }

    /// <summary>Texts, whole numbers or nulls.</summary>
    public IReadOnlyList<object?[]> Rows { get; init; } = [];

    /// <summary>What is wrong; null when it went well.</summary>
    public string? Fault { get; init; }
}

/// <summary>
/// The commands that PgBouncer's console has, with its columns and answers, so that tools which speak it work: what it shows is what this process has, and what does not exist here is 0 or
/// empty. Tags and faults are worded as PgBouncer words them.
/// </summary>
internal sealed class AdminConsole(DbAdmin admin, DbSettings settings)
{
    /// <summary>The database that clients name to reach it.</summary>
    public const string Database = "pgbouncer";

    /// <summary>PgBouncer's own PAUSE waits for ever; a console that hangs helps nobody, and the database stays paused.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(60);

    private static readonly string[] s_connection =
        ["type", "user", "database", "state", "addr", "port", "local_addr", "local_port", "connect_time", "request_time", "wait", "wait_us", "close_needed", "ptr", "link", "remote_pid", "tls", "application_name"];

    /// <summary>Carries a command out.</summary>
    /// <param name="text">The command, with or without its semicolon.</param>
    public async Task<ConsoleAnswer> RunAsync(string text)
    {
        string command = text.Trim().TrimEnd(';').Trim();
        string[] words = command.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0) return new ConsoleAnswer("");
        string? name = words.Length == 2 ? Name(words[1]) : null;
        switch (words[0].ToUpperInvariant())
        {
            case "SHOW" when words.Length == 2:
                return await ShowAsync(words[1].ToUpperInvariant(), command);
            case "PAUSE" or "DISABLE" when words.Length <= 2:
                return await EachAsync("PAUSE", name, async database =>
                {
                    int left = await admin.PauseAsync(database, s_pause);
                    return left == 0 ? null : $"database {database} is paused, but {left} server connections are still in use";
                });
            case "RESUME" or "ENABLE" when words.Length <= 2:
                bool any = false;
                ConsoleAnswer resumed = await EachAsync("RESUME", name, async database =>
                {
                    any |= await admin.ResumeAsync(database);
                    return null;
                });
                return resumed.Fault is null && !any ? Wrong(name is null ? "pooler is not paused/suspended" : $"database {name} is not paused") : resumed;
            case "KILL" when name is not null:
                return await EachAsync("KILL", name, async database =>
                {
                    await admin.KillAsync(database);
                    return null;
                });
            case "KILL_CLIENT" when name is not null:
                return long.TryParse(name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long id) && await admin.KillClientAsync(id) ? new ConsoleAnswer("KILL_CLIENT") : Wrong("client not found");
            case "RECONNECT" when words.Length <= 2:
                return await EachAsync("RECONNECT", name, async database =>
                {
                    await admin.ReconnectAsync(database);
                    return null;
                });
            case "RELOAD" when words.Length == 1:
                // What holds is followed at every moment: a file is watched, a manager pushes.
                return new ConsoleAnswer("RELOAD");
            case "SHUTDOWN" or "SUSPEND" or "WAIT_CLOSE" or "SET":
                return Wrong($"{words[0].ToUpperInvariant()} is not done from here: stop the process by its supervisor (SIGTERM drains), and change settings in the configuration");
            default:
                return Unknown(command);
        }
    }

    private async Task<ConsoleAnswer> ShowAsync(string what, string command)
    {
        switch (what)
        {
            case "VERSION":
                return Table(["version"], [["PgBouncer 1.18.0 (MarchProxy ArticDBM)"]]);
            case "HELP":
                return Table(["command"], [.. "SHOW HELP|CONFIG|DATABASES|POOLS|CLIENTS|SERVERS|USERS|VERSION|LISTS|MEM|STATS|STATS_TOTALS|STATS_AVERAGES|TOTALS|STATE;PAUSE [db];RESUME [db];RECONNECT [db];KILL db;KILL_CLIENT id;RELOAD".Split(';').Select(c => new object?[] { c })]);
            case "POOLS":
                return Pools(await admin.PoolsAsync());
            case "CLIENTS":
                return Table(s_connection, [.. (await admin.ClientsAsync()).Select(Row)]);
            case "SERVERS":
                return Table(s_connection, [.. (await admin.ServersAsync()).Select(Row)]);
            case "DATABASES":
                return Databases();
            case "STATS":
                return Table(
                    ["database", "total_xact_count", "total_query_count", "total_received", "total_sent", "total_xact_time", "total_query_time", "total_wait_time", "avg_xact_count", "avg_query_count", "avg_recv", "avg_sent", "avg_xact_time", "avg_query_time", "avg_wait_time"],
                    [.. (await admin.StatsAsync()).Select(s => Totals(s).Concat(Averages(s).Skip(1)).ToArray())]);
            case "STATS_TOTALS":
                return Table(["database", "xact_count", "query_count", "bytes_received", "bytes_sent", "xact_time", "query_time", "wait_time"], [.. (await admin.StatsAsync()).Select(Totals)]);
            case "STATS_AVERAGES":
                return Table(["database", "xact_count", "query_count", "bytes_received", "bytes_sent", "xact_time", "query_time", "wait_time"], [.. (await admin.StatsAsync()).Select(Averages)]);
            case "TOTALS":
                return await TotalsAsync();
            case "LISTS":
                return await ListsAsync();
            case "USERS":
                return Table(["name", "pool_mode"], [.. (admin.Access?.Accounts ?? []).Select(a => a.Name).Order(StringComparer.Ordinal).Select(a => new object?[] { a, null })]);
            case "MEM":
                return Table(["name", "size", "used", "free", "memtotal"], [["managed_heap", 1, GC.GetTotalMemory(false), 0L, GC.GetGCMemoryInfo().TotalCommittedBytes], ["process", 1, Environment.WorkingSet, 0L, Environment.WorkingSet]]);
            case "STATE":
                bool paused = admin.Targets.Any() && admin.Targets.All(t => t.IsPaused);
                return Table(["key", "value"], [["active", paused ? "no" : "yes"], ["paused", paused ? "yes" : "no"], ["suspended", "no"]]);
            case "CONFIG":
                return Config();
            default:
                return Unknown(command);
        }
    }

    private static ConsoleAnswer Pools(IReadOnlyList<DbPoolView> pools) => Table(
        ["database", "user", "cl_active", "cl_waiting", "cl_active_cancel_req", "cl_waiting_cancel_req", "sv_active", "sv_active_cancel", "sv_being_canceled", "sv_idle", "sv_used", "sv_tested", "sv_login", "maxwait", "maxwait_us", "pool_mode"],
        [
            // PgBouncer counts a client that is between transactions as active too: it has no other state for it.
            .. pools.GroupBy(p => (p.Database, p.User, p.Mode)).Select(g => new object?[]
            {
                g.Key.Database, g.Key.User, g.Sum(p => p.ClientsActive) + g.First().ClientsIdle, g.Sum(p => p.ClientsWaiting), 0, 0, g.Sum(p => p.ServersActive), 0, 0, g.Sum(p => p.ServersIdle), 0, 0, 0,
                g.Max(p => p.MaxWaitMicros) / 1_000_000, g.Max(p => p.MaxWaitMicros) % 1_000_000, g.Key.Mode,
            }),
        ]);

    private static object?[] Row(DbClientView client)
    {
        (string address, int port) = Split(client.Client);
        return ["C", client.Account, client.Database, client.State == "waiting" ? "waiting" : "active", address, port, client.Listener, 0, Time(client.ConnectedAt), Time(client.ConnectedAt), 0, 0, 0, Text(client.Id), client.Server ?? "", 0, client.Tls ? "TLS" : "", client.Application];
    }

    private object?[] Row(DbServerView server)
    {
        (string address, int port) = Split(server.Server);
        (string local, int localPort) = Split(server.Local);
        string since = Time(admin.Time.GetUtcNow().AddMilliseconds(-server.AgeMs));
        return ["S", server.User, server.Database, server.State, address, port, local, localPort, since, since, 0, 0, 0, "", server.Client is { } client ? Text(client) : "", 0, server.Tls ? "TLS" : "", ""];
    }

    private ConsoleAnswer Databases() => Table(
        ["name", "host", "port", "database", "force_user", "pool_size", "min_pool_size", "reserve_pool", "pool_mode", "max_connections", "current_connections", "paused", "disabled"],
        [
            .. admin.Targets.Select(t => new object?[]
            {
                t.Database.Name, t.Primary.Server.Host, t.Primary.Server.Port, t.Database.NameOnServer.Length > 0 ? t.Database.NameOnServer : t.Database.Name, t.Database.Credential.User, t.Primary.Limit, 0, 0,
                t.Database.Pool.Mode.ToString().ToLowerInvariant(), t.Servers.Sum(s => s.Limit), t.Servers.Sum(s => s.Open), t.IsPaused ? 1 : 0, 0,
            }),
        ]);

    private static object?[] Totals(DbStatsView s) => [s.Database, s.Transactions, s.Queries, s.BytesIn, s.BytesOut, s.TransactionMicros, s.QueryMicros, s.WaitMicros];

    /// <summary>A second's share over the process's life, and the mean times; PgBouncer's are of its last minute.</summary>
    private object?[] Averages(DbStatsView s)
    {
        long seconds = Math.Max(1, (long)admin.Uptime.TotalSeconds);
        return
        [
            s.Database, s.Transactions / seconds, s.Queries / seconds, s.BytesIn / seconds, s.BytesOut / seconds, s.TransactionMicros / Math.Max(1, s.Transactions), s.QueryMicros / Math.Max(1, s.Queries),
            s.WaitMicros / seconds,
        ];
    }

    private async Task<ConsoleAnswer> TotalsAsync()
    {
        IReadOnlyList<DbStatsView> stats = await admin.StatsAsync();
        return Table(
            ["name", "value"],
            [
                ["total_xact_count", stats.Sum(s => s.Transactions)], ["total_query_count", stats.Sum(s => s.Queries)], ["total_client_bytes", stats.Sum(s => s.BytesIn)], ["total_server_bytes", stats.Sum(s => s.BytesOut)],
                ["total_xact_time", stats.Sum(s => s.TransactionMicros)], ["total_query_time", stats.Sum(s => s.QueryMicros)], ["total_wait_time", stats.Sum(s => s.WaitMicros)],
            ]);
    }

    private async Task<ConsoleAnswer> ListsAsync()
    {
        IReadOnlyList<DbPoolView> pools = await admin.PoolsAsync();
        return Table(
            ["list", "items"],
            [
                ["databases", admin.Databases.Count()], ["users", admin.Access?.Accounts.Length ?? 0], ["pools", pools.Count], ["free_clients", 0], ["used_clients", (await admin.ClientsAsync()).Count], ["login_clients", 0],
                ["free_servers", pools.Sum(p => p.ServersIdle)], ["used_servers", pools.Sum(p => p.ServersActive)], ["dns_names", 0], ["dns_zones", 0], ["dns_queries", 0], ["dns_pending", 0],
            ]);
    }

    private ConsoleAnswer Config()
    {
        int loops = DbProxy.LoopCount(settings);
        (string Key, long Value, long Usual)[] all =
        [
            ("max_client_conn", (long)settings.MaxConnectionsPerLoop * loops, (long)DbSettings.Default.MaxConnectionsPerLoop * loops), ("client_login_timeout", settings.LoginMs / 1000, DbSettings.Default.LoginMs / 1000),
            ("client_idle_timeout", settings.ClientIdleMs / 1000, 0), ("query_timeout", settings.StatementMs / 1000, 0), ("max_packet_size", settings.MaxStatementBytes, DbSettings.Default.MaxStatementBytes),
            ("max_prepared_statements", settings.MaxPreparedPerServer, DbSettings.Default.MaxPreparedPerServer), ("default_pool_size", new DbPool().Size, new DbPool().Size),
        ];
        return Table(["key", "value", "default", "changeable"], [.. all.Select(c => new object?[] { c.Key, Text(c.Value), Text(c.Usual), "no" }), ["config_version", admin.Version, "", "no"]]);
    }

    private async Task<ConsoleAnswer> EachAsync(string tag, string? name, Func<string, Task<string?>> act)
    {
        if (name is not null && !admin.Knows(name)) return Wrong($"no such database: {name}");
        string[] faults = [.. (await Task.WhenAll((name is null ? admin.Databases : [name]).Select(act))).OfType<string>()];
        return faults.Length > 0 ? Wrong(string.Join("; ", faults)) : new ConsoleAnswer(tag);
    }

    private static string Name(string word) => word.Length > 1 && word[0] == '"' && word[^1] == '"' ? word[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : word;

    private static ConsoleAnswer Table(string[] columns, IReadOnlyList<object?[]> rows) => new("SHOW") { Columns = columns, Rows = rows };

    private static ConsoleAnswer Wrong(string fault) => new("") { Fault = fault };

    private static ConsoleAnswer Unknown(string command) => Wrong($"invalid command '{(command.Length > 100 ? command[..100] : command)}', use SHOW HELP;");

    private static (string Address, int Port) Split(string endpoint)
    {
        if (IPEndPoint.TryParse(endpoint, out IPEndPoint? parsed)) return (parsed.Address.ToString(), parsed.Port);
        int colon = endpoint.LastIndexOf(':');
        return colon > 0 && int.TryParse(endpoint.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) ? (endpoint[..colon], port) : (endpoint, 0);
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
