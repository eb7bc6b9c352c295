using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace MarchProxy.Tests;

/// <summary>A PostgreSQL of Debian's on a free port, in a temporary folder, for this test process alone.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("marchproxy-pg-").FullName;
    private readonly string _bin = Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "initdb"))).Order(StringComparer.Ordinal).Last();
    private int _port;
    private int _databases;

    /// <summary>The port that it listens on.</summary>
    public int PortNumber => _port;

    /// <summary>The folder of Debian's tools for it: pgbench and others.</summary>
    public string Tools => _bin;

    /// <summary>Has the server ask for passwords by SCRAM from here on, and gives its superuser one.</summary>
    public async Task DemandPasswordAsync(string password)
    {
        await SqlAsync($"ALTER USER march PASSWORD '{password}'");
        await File.WriteAllTextAsync(Path.Combine(Data, "pg_hba.conf"), "host all all 127.0.0.1/32 scram-sha-256\n");
        await RunAsync("pg_ctl", "-D", Data, "reload");
    }

    /// <summary>Has the server speak TLS with this certificate, and with nobody in clear.</summary>
    public async Task DemandTlsAsync(string certificate, string key)
    {
        await File.WriteAllTextAsync(Path.Combine(Data, "server.crt"), certificate);
        await File.WriteAllTextAsync(Path.Combine(Data, "server.key"), key);
        if (Environment.UserName == "root") await ExecAsync("chown", "postgres", Path.Combine(Data, "server.key"));
        File.SetUnixFileMode(Path.Combine(Data, "server.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await SqlAsync("ALTER SYSTEM SET ssl = on");
        await File.WriteAllTextAsync(Path.Combine(Data, "pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n");
        await RunAsync("pg_ctl", "-D", Data, "reload");
    }

    /// <summary>Runs SQL as the superuser, before a password is demanded.</summary>
    public Task SqlAsync(string sql, string database = "postgres") => RunAsync("psql", "-h", "127.0.0.1", "-p", Port, "-U", "march", "-d", database, "-v", "ON_ERROR_STOP=1", "-qc", sql);

    /// <summary>The URL of a fresh, empty database.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"db{Interlocked.Increment(ref _databases)}");
        await SqlAsync($"CREATE DATABASE {name}");
        return $"postgres://march:secret@127.0.0.1:{Port}/{name}";
    }

    /// <summary>A standby that streams from another, which asks for no password yet.</summary>
    public static async Task<PostgresServer> FollowAsync(PostgresServer primary)
    {
        var standby = new PostgresServer();
        await standby.PrepareAsync();
        await standby.RunAsync("pg_basebackup", "-h", "127.0.0.1", "-p", primary.Port, "-U", "march", "-D", standby.Data, "-R", "-c", "fast", "--no-sync");
        await standby.StartAsync();
        return standby;
    }

    /// <summary>Makes a standby a primary.</summary>
    public Task PromoteAsync() => RunAsync("pg_ctl", "-D", Data, "-w", "promote");

    public async Task InitializeAsync()
    {
        await PrepareAsync();
        await RunAsync("initdb", "-D", Data, "-U", "march", "-A", "trust", "-E", "UTF8", "--no-sync");
        await StartAsync();
    }

    private async Task PrepareAsync()
    {
        using (var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            _port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        if (Environment.UserName == "root") await ExecAsync("chown", "postgres", _folder);
    }

    public async Task DisposeAsync()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid"))) await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Starts it, or starts it again after a kill.</summary>
    public Task StartAsync() => RunAsync(
        "pg_ctl", "-D", Data, "-w", "-t", "60", "-l", Path.Combine(_folder, "log"), "-o", $"-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=200", "start");

    /// <summary>Kills it as a power cut would.</summary>
    public Task KillAsync() => RunAsync("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");

    private string Data => Path.Combine(_folder, "data");

    private string Port => _port.ToString(CultureInfo.InvariantCulture);

    private Task RunAsync(string tool, params string[] arguments) => Environment.UserName == "root"
        ? ExecAsync("runuser", ["-u", "postgres", "--", Path.Combine(_bin, tool), .. arguments])
        : ExecAsync(Path.Combine(_bin, tool), arguments);

    private static async Task ExecAsync(string program, params string[] arguments)
    {
        // pg_ctl leaves the server behind with our descriptors: its output must not be a pipe that we wait for.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = "/" };
        string output = Path.GetTempFileName();
        foreach (string argument in (string[])["-c", "exec \"$@\" >\"$OUT\" 2>&1 </dev/null", "sh", program, .. arguments]) start.ArgumentList.Add(argument);
        start.Environment["OUT"] = output;
        using Process process = Process.Start(start)!;
        await process.WaitForExitAsync();
        string said = await File.ReadAllTextAsync(output);
        File.Delete(output);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {said}");
    }
}
