namespace MarchProxy.Bench.Peers;

/// <summary>A peer before a database.</summary>
internal interface IDatabasePeer
{
    /// <summary>Where it speaks the database's protocol.</summary>
    int DatabasePort { get; }

    /// <summary>User, password and database.</summary>
    (string User, string Password, string Database) Who { get; }

    /// <summary>The load generator.</summary>
    string Pgbench { get; }
}
