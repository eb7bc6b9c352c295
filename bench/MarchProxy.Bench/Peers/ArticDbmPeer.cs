using System.Globalization;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>Our database proxy, with grants, the firewall in block mode, and a line for each statement to a file.</summary>
internal sealed class ArticDbmPeer(TestBed bed) : Peer("articdbm", bed), IDatabasePeer
{
    private readonly int _adminPort = Ports.Free();

    public int DatabasePort => BulkPort;

    public (string User, string Password, string Database) Who => ("app", "app-password", "shop");

    public string Pgbench => Bed.Postgres.Pgbench;

    public override long LoggedBytes => LengthOf("statements.log");

    protected override IEnumerable<int> ListensOn => [DatabasePort, _adminPort];

    public override string Version() => Tool.Run(Bed.Options.Executable, "version").FirstLine;

    protected override Server Launch()
    {
        string file = Path.Combine(Folder, "db.yaml");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $$"""
            databases:
              - { name: shop, engine: postgresql, database: {{PostgresSite.Database}}, servers: [{ host: 127.0.0.1, port: {{Bed.Postgres.Port}} }], credential: { user: {{PostgresSite.User}}, password: {{PostgresSite.Password}} }, pool: { size: 20 } }
            accounts:
              - { name: app, password: app-password }
            grants:
              - { account: app, database: shop, tables: "pgbench_*", actions: [select, insert, update, delete] }
            securityPolicies:
              - { name: standard, databases: [shop], detection: { default: block }, blockedObjects: [pg_catalog.pg_authid] }
            listeners:
              - { name: pg, port: {{DatabasePort}}, purpose: database, engine: postgresql }
            """));
        return new Server(Name, OutputFile, Path.GetFullPath(Bed.Options.Executable), "run", "articdbm", "--file", file, "--db-admin-listen", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_adminPort}"), "--statement-log", Path.Combine(Folder, "statements.log"));
    }
}
