using System.Globalization;
using MarchProxy.Integration.Support;
using MarchProxy.Tests;

namespace MarchProxy.Integration.Databases;

/// <summary>TLS on both sides of ArticDBM, with log-ins that are bound to it: psql before it, a PostgreSQL that takes nobody in clear behind it.</summary>
public sealed class PostgresTlsTests : IAsyncLifetime
{
    private const string Password = "the password of app";
    private readonly PostgresServer _postgres = new();
    private readonly TempFolder _folder = new();
    private Suite _proxy = null!;
    private int _port, _certified;

    public async Task InitializeAsync()
    {
        await _postgres.InitializeAsync();
        TestCertificate.Write(_folder, "server", "db.example");
        TestCertificate.Write(_folder, "door", "door.example");
        TestCertificate.Write(_folder, "app", "app.example");
        await _postgres.SqlAsync("ALTER USER march PASSWORD 'the password of march'");
        await _postgres.DemandTlsAsync(await File.ReadAllTextAsync(_folder["server.pem"]), await File.ReadAllTextAsync(_folder["server.key"]));
        (_port, _certified) = (NginxServer.FreePort(), NginxServer.FreePort());
        _folder.Write("db.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
            databases:
              - name: shop
                engine: postgresql
                database: postgres
                servers: [{ host: 127.0.0.1, port: {{_postgres.PortNumber}} }]
                credential: { user: march, password: "the password of march" }
                tls: { mode: verify-full, ca: "file:{{_folder["server.pem"]}}", serverName: db.example }
            accounts:
              - { name: app, password: "{{Password}}", requireTls: true, clientCertificates: [app.example] }
              - { name: other, password: "{{Password}}" }
            grants:
              - { account: app, database: shop, actions: [select] }
              - { account: other, database: shop, actions: [select] }
            certificates:
              - { name: door, chain: "file:{{_folder["door.pem"]}}", key: "file:{{_folder["door.key"]}}" }
            listeners:
              - { name: pg, port: {{_port}}, purpose: database, engine: postgresql, tls: { certificates: [door] } }
              - { name: certified, port: {{_certified}}, purpose: database, engine: postgresql, tls: { certificates: [door], clientCa: "file:{{_folder["app.pem"]}}" } }
            """));
        _proxy = await Suite.StartAsync(_folder, "run", "articdbm", "--file", _folder["db.yaml"], "--db-admin-listen", "127.0.0.1:0");
    }

    public async Task DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await _postgres.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("sslmode=require channel_binding=require", null)]
    [InlineData("sslmode=require channel_binding=disable", null)]
    [InlineData("sslmode=disable", "must use TLS")]
    public async Task A_log_in_is_bound_to_the_TLS_that_it_comes_over(string how, string? refused)
    {
        (int code, string output) = await Child.RunAsync("psql", [string.Create(CultureInfo.InvariantCulture, $"host=127.0.0.1 port={_port} user=app dbname=shop {how}"), "-Atc", "SELECT 'server by TLS: ' || ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"], ("PGPASSWORD", Password));
        Assert.True(refused is null ? code == 0 && output.Contains("server by TLS: true", StringComparison.Ordinal) : code != 0 && output.Contains(refused, StringComparison.Ordinal), output + _proxy.Process.Output);
    }

    [Fact]
    public async Task A_client_certificate_proves_its_account_and_no_other()
    {
        File.SetUnixFileMode(_folder["app.key"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Task<(int Code, string Output)> AskAsync(string user, string password) => Child.RunAsync(
            "psql", ["-w", string.Create(CultureInfo.InvariantCulture, $"host=127.0.0.1 port={_certified} user={user} dbname=shop sslmode=require sslcert={_folder["app.pem"]} sslkey={_folder["app.key"]}"), "-Atc", "SELECT 5"], ("PGPASSWORD", password));
        (int code, string output) = await AskAsync("app", "");
        Assert.True(code == 0 && output.Contains('5'), output + _proxy.Process.Output);
        (code, output) = await AskAsync("other", "");
        Assert.True(code != 0 && output.Contains("password", StringComparison.Ordinal), output);
        (code, output) = await AskAsync("other", Password);
        Assert.True(code == 0 && output.Contains('5'), output);

        // An edit that takes the name away asks for the password again.
        File.WriteAllText(_folder["db.yaml"], File.ReadAllText(_folder["db.yaml"]).Replace("[app.example]", "[else.example]", StringComparison.Ordinal));
        await Wait.UntilAsync(async () => (await AskAsync("app", "")).Code != 0, () => _proxy.Process.Output);
    }

    [Fact]
    public async Task A_client_that_checks_the_proxy_is_satisfied()
    {
        (int code, string output) = await Child.RunAsync(
            "psql", [string.Create(CultureInfo.InvariantCulture, $"host=door.example hostaddr=127.0.0.1 port={_port} user=app dbname=shop sslmode=verify-full sslrootcert={_folder["door.pem"]} channel_binding=require"), "-Atc", "SELECT 5"], ("PGPASSWORD", Password));
        Assert.True(code == 0 && output.Contains('5'), output);
    }
}
