using System.Globalization;

namespace MarchProxy.Integration.Support;

/// <summary>A MariaDB of Debian's on a free port, in a temporary folder, for one test class.</summary>
public sealed class MariaDbServer : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private Child? _server;

    /// <summary>The port that it listens on.</summary>
    public int Port { get; } = NginxServer.FreePort();

    private string Socket => _folder["s"];

    private static string User => Environment.UserName;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        (int code, string output) = await Child.RunAsync("mariadb-install-db", ["--no-defaults", "--datadir=" + _folder["data"], "--auth-root-authentication-method=normal", "--skip-test-db", "--user=" + User]);
        Assert.True(code == 0, output);
        await StartAsync();
        await SqlAsync("CREATE DATABASE bench; CREATE DATABASE other; CREATE USER march@'%' IDENTIFIED BY 'the password of march'; GRANT ALL ON *.* TO march@'%'");
        await SqlAsync("CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('the password of ed'); GRANT ALL ON bench.* TO ed@'%'");
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Starts it, or starts it again after a kill.</summary>
    public async Task StartAsync()
    {
        _server = Child.Start(
            "mariadbd",
            [
                "--no-defaults", "--datadir=" + _folder["data"], string.Create(CultureInfo.InvariantCulture, $"--port={Port}"), "--bind-address=127.0.0.1", "--socket=" + Socket, "--pid-file=" + _folder["pid"], "--user=" + User,
                "--plugin-load-add=auth_ed25519", "--max-allowed-packet=64M", "--max-connections=200",
            ]);
        await Wait.UntilAsync(async () => _server.HasExited || (await Child.RunAsync("mariadb-admin", ["--no-defaults", "-uroot", "-S", Socket, "ping"])).Code == 0, () => _server.Output);
        Assert.False(_server.HasExited, _server.Output);
    }

    /// <summary>Kills it as a power cut would.</summary>
    public async Task KillAsync() => await _server!.DisposeAsync();

    /// <summary>Runs SQL as root.</summary>
    public async Task<string> SqlAsync(string sql)
    {
        (int code, string output) = await Child.RunAsync("mariadb", ["--no-defaults", "-uroot", "-S", Socket, "-BN", "-e", sql]);
        Assert.True(code == 0, output);
        return output;
    }
}
