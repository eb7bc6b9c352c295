using System.Globalization;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Site;

namespace MarchProxy.Bench.Peers;

/// <summary>PgBouncer with one process, transactions pooled, log-in by SCRAM; it judges nothing and writes no line for a statement.</summary>
internal sealed class PgBouncerPeer(TestBed bed) : Peer("pgbouncer", bed), IDatabasePeer
{
    public int DatabasePort => BulkPort;

    public (string User, string Password, string Database) Who => (PostgresSite.User, PostgresSite.Password, "shop");

    public string Pgbench => Bed.Postgres.Pgbench;

    public override long LoggedBytes => LengthOf("output.log");

    protected override IEnumerable<int> ListensOn => [DatabasePort];

    public override string Version() => Tool.Run("pgbouncer", "--version").FirstLine.Replace("PgBouncer ", "pgbouncer/", StringComparison.Ordinal);

    protected override Server Launch()
    {
        string users = Path.Combine(Folder, "users.txt"), file = Path.Combine(Folder, "pgbouncer.ini");
        File.WriteAllText(users, $"\"{PostgresSite.User}\" \"{PostgresSite.Password}\"\n");
        File.WriteAllText(file, string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            shop = host=127.0.0.1 port={Bed.Postgres.Port} dbname={PostgresSite.Database} user={PostgresSite.User} password={PostgresSite.Password}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {DatabasePort}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {users}
            pool_mode = transaction
            default_pool_size = 20
            max_client_conn = 6000
            log_connections = 0
            log_disconnections = 0
            """));
        if (Environment.UserName != "root") return new Server(Name, OutputFile, "pgbouncer", file);
        File.SetUnixFileMode(Bed.Folder, File.GetUnixFileMode(Bed.Folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        File.SetUnixFileMode(Folder, (UnixFileMode)0x1FF);
        return new Server(Name, OutputFile, "pgbouncer", "-u", "postgres", file);
    }
}
