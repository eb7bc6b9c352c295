using System.Globalization;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>Our database proxy before a Redis, with log-in, grants, the firewall in block mode, and its statement log to a file.</summary>
internal sealed class ArticRedisPeer(TestBed bed) : Peer("articdbm-redis", bed), IRedisPeer
{
    private readonly int _adminPort = Ports.Free();

    public int RedisPort => BulkPort;

    public IReadOnlyList<string> LogIn => ["--user", "app", "-a", "app-password"];

    public override long LoggedBytes => LengthOf("statements.log");

    protected override IEnumerable<int> ListensOn => [RedisPort, _adminPort];

    public override string Version() => Tool.Run(Bed.Options.Executable, "version").FirstLine;

    protected override Server Launch()
    {
        string file = Path.Combine(Folder, "db.yaml");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $$"""
            databases:
              - { name: cache, engine: redis, servers: [{ host: 127.0.0.1, port: {{Bed.Redis.Port}} }] }
            accounts:
              - { name: app, password: app-password }
            grants:
              - { account: app, database: cache, actions: [read, write] }
            securityPolicies:
              - { name: standard, databases: [cache], detection: { default: block } }
            listeners:
              - { name: rd, port: {{RedisPort}}, purpose: database, engine: redis, database: cache }
            """));
        return new Server(Name, OutputFile, Path.GetFullPath(Bed.Options.Executable), "run", "articdbm", "--file", file, "--db-admin-listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_adminPort}"), "--statement-log", Path.Combine(Folder, "statements.log"));
    }
}
