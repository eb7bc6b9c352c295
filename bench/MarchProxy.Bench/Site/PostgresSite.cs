using System.Globalization;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;

namespace MarchProxy.Bench.Site;

/// <summary>A PostgreSQL of Debian's with pgbench's tables, behind the poolers: in memory as far as it can be, since it is not what is measured.</summary>
internal sealed class PostgresSite : IDisposable
{
    public const string User = "march", Password = "bench-password", Database = "bench";
    private readonly string _tools = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault() ?? throw Missing()
        : throw Missing();

    private readonly string _data;
    private readonly Server _server;

    /// <exception cref="BenchException">It is not installed, or does not start.</exception>
    public PostgresSite(string folder)
    {
        Directory.CreateDirectory(folder);
        _data = Path.Combine(folder, "data");
        string passwords = Path.Combine(folder, "password");
        File.WriteAllText(passwords, Password);
        if (Environment.UserName == "root")
        {
            // It refuses to run as root: the folder becomes its own user's, who must get there.
            for (DirectoryInfo? up = new(folder); up is { Parent: not null } && up.FullName != Path.GetTempPath().TrimEnd('/'); up = up.Parent) up.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            Must(Tool.Run("chown", "-R", "postgres", folder));
        }

        Must(Run("initdb", "-D", _data, "-U", User, "--pwfile", passwords, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"));
        string[] start = [Path.Combine(_tools, "postgres"), "-D", _data, "-p", Text(Port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=100", "-c", "synchronous_commit=off"];
        _server = new Server("postgresql", Path.Combine(folder, "output.log"), Environment.UserName == "root" ? "runuser" : start[0], Environment.UserName == "root" ? ["-u", "postgres", "--", .. start] : start[1..]);
        _server.WaitFor(Port);
        Must(Psql("postgres", $"CREATE DATABASE {Database}"));
        Must(Tool.Run("env", ["PGPASSWORD=" + Password, Pgbench, "-i", "-q", "-s", "5", "-h", "127.0.0.1", "-p", Text(Port), "-U", User, Database]));
    }

    public int Port { get; } = Ports.Free();

    /// <summary>The load generator.</summary>
    public string Pgbench => Path.Combine(_tools, "pgbench");

    public void Dispose() => _server.Dispose();

    private Tool Psql(string database, string sql) => Tool.Run("env", ["PGPASSWORD=" + Password, "psql", "-h", "127.0.0.1", "-p", Text(Port), "-U", User, "-d", database, "-qc", sql]);

    private Tool Run(string tool, params IEnumerable<string> arguments) => Environment.UserName == "root"
        ? Tool.Run("runuser", ["-u", "postgres", "--", Path.Combine(_tools, tool), .. arguments])
        : Tool.Run(Path.Combine(_tools, tool), arguments);

    private static void Must(Tool tool)
    {
        if (tool.ExitCode != 0) throw new BenchException($"PostgreSQL cannot be set up: {tool.Output}{tool.Errors}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static BenchException Missing() => new("PostgreSQL is not installed");
}
