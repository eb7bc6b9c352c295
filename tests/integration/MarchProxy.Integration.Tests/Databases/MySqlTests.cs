using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using MarchProxy.Integration.Support;

namespace MarchProxy.Integration.Databases;

/// <summary>ArticDBM before a real MariaDB, with clients that do not know of it: the mariadb command line, PyMySQL, DBD::MariaDB (server-side prepared statements), sysbench.</summary>
public sealed partial class MySqlTests(MariaDbServer server) : IClassFixture<MariaDbServer>, IAsyncLifetime
{
    private const string AppPassword = "the password of app";
    private readonly TempFolder _folder = new();
    private Suite _proxy = null!;
    private int _port, _later, _secure, _certified;

    public async Task InitializeAsync()
    {
        // What the test before has left running must not keep its tables.
        await server.SqlAsync("KILL HARD USER march");
        await server.SqlAsync("""
            USE bench; DROP TABLE IF EXISTS items, secret, hits, numbers;
            CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(200)); INSERT INTO items (v) VALUES ('one'), ('two');
            CREATE TABLE secret (x INT); CREATE TABLE hits (id INT PRIMARY KEY, n INT); INSERT INTO hits VALUES (1, 0);
            CREATE TABLE numbers (n INT PRIMARY KEY); INSERT INTO numbers SELECT seq FROM seq_0_to_999;
            DROP PROCEDURE IF EXISTS twice
            """);
        await server.SqlAsync("DELIMITER //\nCREATE PROCEDURE bench.twice() BEGIN SELECT 1; SELECT 2; END//");
        TestCertificate.Write(_folder, "front", "db.test");
        TestCertificate.Write(_folder, "app", "app.example");
        (_port, _later, _secure, _certified) = (NginxServer.FreePort(), NginxServer.FreePort(), NginxServer.FreePort(), NginxServer.FreePort());
        _folder.Write("db.yaml", Resources());
        _proxy = await Suite.StartAsync(_folder, "run", "articdbm", "--file", _folder["db.yaml"], "--db-admin-listen", "127.0.0.1:0", "--statement-log", _folder["statements.log"]);
    }

    public async Task DisposeAsync()
    {
        string output = _proxy.Process.Output;
        await _proxy.DisposeAsync();
        _folder.Dispose();
        Assert.DoesNotContain("defect", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_line_works_as_on_the_server_itself()
    {
        string script = _folder.Write("script.sql", """
            SELECT 'sum', 1 + 1;
            USE crm;
            START TRANSACTION; INSERT INTO items (v) VALUES ('seven'); ROLLBACK;
            SELECT 'rolled back', COUNT(*) FROM items WHERE v = 'seven';
            CREATE TABLE made (a INT, b TEXT); INSERT INTO made VALUES (1, 'ä'), (2, NULL);
            SELECT * FROM made; SHOW COLUMNS FROM made; DROP TABLE made;
            CALL twice();
            SELECT * FROM nothing_there;
            SELECT 'still here';
            """);
        (_, string output) = await Child.RunAsync("/bin/sh", ["-c", $"mariadb --no-defaults -h127.0.0.1 -P{_port} -uapp --force -B --default-character-set=utf8mb4 crm < {script}"], ("MYSQL_PWD", AppPassword));
        foreach (string told in new[] { "sum\t2", "rolled back\t0", "1\tä", "2\tNULL", "a\tint", "ERROR 1146 (42S02)", "still here" }) Assert.Contains(told, output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("firewall")]
    [InlineData("state")]
    [InlineData("several")]
    [InlineData("big")]
    [InlineData("kills")]
    public Task Pymysql(string what) => PythonAsync(_port, what);

    [Fact]
    public async Task No_answer_reaches_another_client_and_what_nobody_waits_for_is_ended()
    {
        await PythonAsync(_port, "tags");
        const string Running = "SELECT id, time, info FROM information_schema.processlist WHERE user = 'march' AND command = 'Query'";
        await Wait.UntilAsync(async () => (await server.SqlAsync(Running)).Trim().Length == 0, () => server.SqlAsync(Running).Result + _proxy.Process.Output);
    }

    [Theory]
    [InlineData("mysql_native_password")]
    [InlineData("caching_sha2_password")]
    public async Task Keys_open_as_the_password_does_until_they_end(string plugin)
    {
        (int code, string output) = await CliAsync(_port, "app", "the key of the nightly builds", "crm", "SELECT 'opened'", "--skip-ssl", "--default-auth=" + plugin);
        Assert.True(code == 0 && output.Contains("opened", StringComparison.Ordinal), output);
        (code, output) = await CliAsync(_port, "app", "the key of last year's builds", "crm", "SELECT 'opened'", "--skip-ssl", "--default-auth=" + plugin);
        Assert.True(code != 0 && output.Contains("The key \"old\" has expired", StringComparison.Ordinal), output);
        (code, output) = await CliAsync(_port, "app", "the key of the nightly builds", "edward", "SELECT 'opened'", "--skip-ssl", "--default-auth=" + plugin);
        Assert.True(code != 0 && output.Contains("opens the database \"crm\" alone", StringComparison.Ordinal), output);
    }

    [Theory]
    [InlineData("mysql_native_password")]
    [InlineData("caching_sha2_password")]
    public async Task A_client_certificate_proves_its_account(string plugin)
    {
        string[] tls = ["--ssl", "--skip-ssl-verify-server-cert", "--default-auth=" + plugin];
        foreach (string password in new[] { "", "any" })
        {
            (int code, string output) = await CliAsync(_certified, "secured", password, "crm", "SELECT 'proven'", [.. tls, "--ssl-cert=" + _folder["app.pem"], "--ssl-key=" + _folder["app.key"]]);
            Assert.True(code == 0 && output.Contains("proven", StringComparison.Ordinal), output + _proxy.Process.Output);
        }

        (int without, string told) = await CliAsync(_certified, "secured", "", "crm", "SELECT 'proven'", tls);
        Assert.NotEqual(0, without);
        Assert.DoesNotContain("proven", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepared_statements_are_shared_by_many_clients_over_few_connections()
    {
        (int code, string output) = await Child.RunAsync("perl", [Path.Combine(AppContext.BaseDirectory, "Databases", "mysql_prepared.pl"), Text(_port), AppPassword]);
        Assert.True(code == 0 && output.Contains("fine", StringComparison.Ordinal), output + _proxy.Process.Output);
        Assert.True(await ServerConnectionsAsync() <= 4);
    }

    [Theory]
    [InlineData("oltp_point_select", "auto")]
    [InlineData("oltp_read_write", "auto")]
    [InlineData("oltp_read_write", "disable")]
    public async Task Sysbench_runs_with_more_clients_than_connections(string test, string preparing)
    {
        string[] common = [test, "--db-driver=mysql", "--mysql-host=127.0.0.1", $"--mysql-port={_port}", "--mysql-user=app", $"--mysql-password={AppPassword}", "--mysql-db=filled", "--tables=1", "--table-size=500", "--mysql-ignore-errors=1213,1020,1205", $"--db-ps-mode={preparing}"];
        await Child.RunAsync("sysbench", [.. common, "cleanup"]);
        (int code, string output) = await Child.RunAsync("sysbench", [.. common, "prepare"]);
        Assert.True(code == 0, output);
        (code, output) = await Child.RunAsync("sysbench", [.. common, "--threads=16", "--events=300", "--time=40", "run"]);
        Assert.True(code == 0 && !output.Contains("FATAL", StringComparison.Ordinal), output + _proxy.Process.Output);
        string log = await File.ReadAllTextAsync(_folder["statements.log"]);
        Assert.DoesNotContain("\"decision\":\"deny\"", log, StringComparison.Ordinal);
    }

    [Fact]
    public Task A_file_of_the_clients_goes_where_that_is_allowed() =>
        PythonAsync(_port, "loads", _folder.Write("lines.txt", string.Concat(Enumerable.Range(0, 5000).Select(i => string.Create(CultureInfo.InvariantCulture, $"line {i} {new string('x', 100)}\n")))));

    [Theory]
    [InlineData("app", "wrong", "crm", "ERROR 1045 (28000): Access denied for user 'app'")]
    [InlineData("nobody", AppPassword, "crm", "ERROR 1045 (28000): Access denied for user 'nobody'")]
    [InlineData("app", AppPassword, "nowhere", "ERROR 1049 (42000): Unknown database 'nowhere'")]
    [InlineData("reader", AppPassword, "elsewhere", "ERROR 1044 (42000): No grant lets the account \"reader\" use the database \"elsewhere\"")]
    [InlineData("far", AppPassword, "crm", "may not come from 127.0.0.1")]
    [InlineData("late", AppPassword, "crm", "has expired")]
    [InlineData("secured", AppPassword, "crm", "must use TLS")]
    public async Task Who_may_not_is_told_why(string user, string password, string database, string told)
    {
        foreach (string plugin in new[] { "mysql_native_password", "caching_sha2_password" })
        {
            (int code, string output) = await CliAsync(_port, user, password, database, "SELECT 1", "--skip-ssl", "--default-auth=" + plugin);
            Assert.NotEqual(0, code);
            if (plugin == "mysql_native_password" || !told.Contains("1045", StringComparison.Ordinal)) Assert.Contains(told, output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Ways_to_log_in()
    {
        foreach (string plugin in new[] { "mysql_native_password", "caching_sha2_password", "client_ed25519" })
        {
            (int code, string output) = await CliAsync(_port, "app", AppPassword, "crm", "SELECT 'in'", "--default-auth=" + plugin);
            Assert.True(code == 0 && output.Contains("in", StringComparison.Ordinal), plugin + output);
        }

        // Under TLS, with and without a challenge of the client's own; and before a server that wants Ed25519.
        (_, string cipher) = await CliAsync(_secure, "secured", AppPassword, "crm", "\\s", "--ssl", "--skip-ssl-verify-server-cert");
        Assert.Contains("TLS_AES", cipher, StringComparison.Ordinal);
        (_, string ed) = await CliAsync(_port, "app", AppPassword, "edward", "SELECT SESSION_USER()");
        Assert.Contains("ed@", ed, StringComparison.Ordinal);
        await PythonAsync(_later, "sha2", "tls");
    }

    [Fact]
    public async Task A_server_that_dies_costs_its_statements_alone_and_nothing_is_done_twice()
    {
        string stop = _folder["stop"];
        await using Child counting = Child.Start("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "Databases", "mysql_clients.py"), Text(_port), AppPassword, "counts", stop]);
        (int Told, int Failed) Now() => Told().Matches(counting.Output).Select(m => (int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture))).LastOrDefault();
        await Wait.UntilAsync(() => Now().Told > 50, () => counting.Output);
        await server.KillAsync();
        await Wait.UntilAsync(() => Now().Failed > 0, () => counting.Output);
        await server.StartAsync();
        int before = Now().Told;
        await Wait.UntilAsync(() => Now().Told > before + 50, () => counting.Output + _proxy.Process.Output);
        await File.WriteAllTextAsync(stop, "");
        Assert.True(await counting.WaitAsync() == 0 && counting.Output.Contains("fine", StringComparison.Ordinal) && !counting.Output.Contains("unexpected", StringComparison.Ordinal), counting.Output);
    }

    [Fact]
    public async Task Garbage_and_half_log_ins_harm_nobody()
    {
        var half = new List<TcpClient>();
        var random = new Random(5);
        for (int i = 0; i < 300; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, _port);
            half.Add(client);
            byte[] garbage = new byte[random.Next(1, 200)];
            random.NextBytes(garbage);
            if (i % 3 == 1) await client.GetStream().WriteAsync(garbage);
            if (i % 3 == 2) await client.GetStream().WriteAsync(new byte[] { 0xFF, 0xFF, 0xFF, 1, 0, 0 });
        }

        (int code, string output) = await CliAsync(_port, "app", AppPassword, "crm", "SELECT 'served'");
        Assert.True(code == 0 && output.Contains("served", StringComparison.Ordinal), output);

        // A length of 16 MiB is no log-in: it is not waited for.
        byte[] one = new byte[1];
        NetworkStream liar = half[2].GetStream();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await Record.ExceptionAsync(async () =>
        {
            while (await liar.ReadAsync(one, timeout.Token) > 0) continue;
        });
        Assert.False(timeout.IsCancellationRequested);
        foreach (TcpClient client in half) client.Dispose();
    }

    [Fact]
    public async Task Statements_are_logged_and_counted()
    {
        await CliAsync(_port, "app", AppPassword, "crm", "INSERT INTO items (v) VALUES ('a'), ('b'), ('c')");
        await CliAsync(_port, "app", AppPassword, "crm", "SELECT * FROM mysql.user");

        // Each loop hands its lines on at its own time.
        await Wait.UntilAsync(
            async () => await File.ReadAllTextAsync(_folder["statements.log"]) is var lines && lines.Contains("blocked-object", StringComparison.Ordinal) && lines.Contains("\"rows\":3", StringComparison.Ordinal), () => _proxy.Process.Output);
        string log = await File.ReadAllTextAsync(_folder["statements.log"]);
        Assert.Contains("\"engine\":\"mysql\"", log, StringComparison.Ordinal);
        Assert.Contains("\"decision\":\"allow\",\"rows\":3", log, StringComparison.Ordinal);
    }

    private async Task PythonAsync(int port, string what, params string[] more)
    {
        (int code, string output) = await Child.RunAsync("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "Databases", "mysql_clients.py"), Text(port), AppPassword, what, .. more]);
        Assert.True(code == 0 && output.Contains("fine", StringComparison.Ordinal), output + _proxy.Process.Output);
    }

    private static Task<(int Code, string Output)> CliAsync(int port, string user, string password, string database, string sql, params string[] options) =>
        Child.RunAsync("mariadb", ["--no-defaults", "-h127.0.0.1", "-P" + Text(port), "-u" + user, "-BN", .. options, "-e", sql, database], ("MYSQL_PWD", password));

    private async Task<int> ServerConnectionsAsync() =>
        int.Parse((await server.SqlAsync("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'march' AND db = 'bench'")).Trim(), CultureInfo.InvariantCulture);

    private string Resources()
    {
        string servers = $"servers: [{{ host: 127.0.0.1, port: {Text(server.Port)} }}], credential: {{ user: march, password: \"the password of march\" }}";
        return $$"""
            certificates:
              - { name: front, chain: "file:{{_folder["front.pem"]}}", key: "file:{{_folder["front.key"]}}" }
            databases:
              - { name: crm, engine: mysql, database: bench, {{servers}}, pool: { size: 4 } }
              - { name: filled, engine: mysql, database: other, localInfile: true, {{servers}}, pool: { size: 6 } }
              - { name: elsewhere, engine: mysql, database: other, {{servers}} }
              - { name: later, engine: mysql, database: bench, {{servers}}, pool: { warmUpPercent: 0 } }
              - { name: edward, engine: mysql, database: bench, servers: [{ host: 127.0.0.1, port: {{Text(server.Port)}} }], credential: { user: ed, password: "the password of ed" } }
            accounts:
              - name: app
                password: "{{AppPassword}}"
                keys:
                  - { name: ci, key: "the key of the nightly builds", database: crm }
                  - { name: old, key: "the key of last year's builds", expiresAt: 2020-01-01T00:00:00Z }
              - { name: reader, password: "{{AppPassword}}" }
              - { name: far, password: "{{AppPassword}}", allowFrom: [10.0.0.0/8] }
              - { name: late, password: "{{AppPassword}}", expiresAt: 2020-01-01T00:00:00Z }
              - { name: secured, password: "{{AppPassword}}", requireTls: true, clientCertificates: [app.example] }
            grants:
              - { account: app, database: crm, actions: [select, insert, update, delete, ddl, call] }
              - { account: app, database: filled, actions: [select, insert, update, delete, ddl] }
              - { account: app, database: later, actions: [select] }
              - { account: app, database: edward, actions: [select] }
              - { account: reader, database: crm, tables: items, actions: [select] }
              - { account: far, database: crm, actions: [select] }
              - { account: late, database: crm, actions: [select] }
              - { account: secured, database: crm, actions: [select] }
            securityPolicies:
              - { name: standard, databases: [crm, filled], detection: { default: block }, blockedObjects: [mysql.user] }
            listeners:
              - { name: my, port: {{Text(_port)}}, purpose: database, engine: mysql }
              - { name: late, port: {{Text(_later)}}, purpose: database, engine: mysql, database: later, tls: { certificates: [front] } }
              - { name: certified, port: {{Text(_certified)}}, purpose: database, engine: mysql, tls: { certificates: [front], clientCa: "file:{{_folder["app.pem"]}}" } }
              - { name: secure, port: {{Text(_secure)}}, purpose: database, engine: mysql, tls: { certificates: [front] } }
            """;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"told (\d+) failed (\d+)")]
    private static partial Regex Told();
}
