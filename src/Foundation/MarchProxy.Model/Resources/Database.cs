using System.Collections.Immutable;

namespace MarchProxy.Model.Resources;

/// <summary>A database protocol that ArticDBM speaks.</summary>
public enum DbEngine
{
    /// <summary>PostgreSQL, protocol 3.0.</summary>
    PostgreSql,

    /// <summary>MySQL and MariaDB.</summary>
    MySql,

    /// <summary>Redis and Valkey.</summary>
    Redis,
}

/// <summary>What a server of a database is.</summary>
public enum DbServerRole
{
    /// <summary>Takes writes.</summary>
    Primary,

    /// <summary>Follows the primary; takes reads.</summary>
    Replica,
}

/// <summary>When a server connection goes back to its pool.</summary>
public enum DbPoolMode
{
    /// <summary>When the client leaves.</summary>
    Session,

    /// <summary>When the client's transaction is over (default).</summary>
    Transaction,

    /// <summary>After each statement; transactions of several statements are refused.</summary>
    Statement,
}

/// <summary>How a connection to a database server is secured.</summary>
public enum DbTlsMode
{
    /// <summary>In clear.</summary>
    Disable,

    /// <summary>By TLS where the server offers it (default): no protection from one who is in between.</summary>
    Prefer,

    /// <summary>By TLS or not at all; the certificate is not checked.</summary>
    Require,

    /// <summary>By TLS, and the certificate must be for the server's name.</summary>
    VerifyFull,
}

/// <summary>A logical database: what clients name, and the servers behind it.</summary>
public sealed record Database : Resource
{
    /// <inheritdoc/>
    public override string Kind => "database";

    /// <summary>The protocol.</summary>
    public DbEngine Engine { get; init; }

    /// <summary>Its name on the servers; empty for the resource's own.</summary>
    public string NameOnServer { get; init; } = "";

    /// <summary>The servers.</summary>
    public ImmutableArray<DbServer> Servers { get; init; } = [];

    /// <summary>Who we are to the servers.</summary>
    public DbCredential Credential { get; init; } = new();

    /// <summary>TLS to the servers.</summary>
    public DbTls Tls { get; init; } = new();

    /// <summary>How connections to the servers are shared.</summary>
    public DbPool Pool { get; init; } = new();

    /// <summary>How its servers are looked after, when there are several.</summary>
    public DbHealth Health { get; init; } = new();

    /// <summary>Whether statements that only read go to replicas.</summary>
    public bool ReadWriteSplit { get; init; }

    /// <summary>Whether clients may send files of theirs by LOAD DATA LOCAL. Default no: a server that asks for a file gets whatever the client may read.</summary>
    public bool LocalInfile { get; init; }

    /// <summary>Whether the servers are nodes of a Redis Cluster: commands go to the node that has their keys.</summary>
    public bool RedisCluster { get; init; }

    /// <summary>The name that the servers know it by.</summary>
    public string ServerDatabase => NameOnServer.Length > 0 ? NameOnServer : Name;
}

/// <summary>One server of a database.</summary>
public sealed record DbServer
{
    /// <summary>A host name or an IP address.</summary>
    public string Host { get; init; } = "";

    /// <summary>Its port.</summary>
    public int Port { get; init; }

    /// <summary>Primary or replica.</summary>
    public DbServerRole Role { get; init; }

    /// <summary>Its share of reads among replicas. Default 100.</summary>
    public int Weight { get; init; } = 100;

    /// <summary>Connections to it at most, of this process; 0 for the pool's size.</summary>
    public int MaxConnections { get; init; }
}

/// <summary>The account that we have on the servers.</summary>
public sealed record DbCredential
{
    /// <summary>Its name; empty where the engine needs none.</summary>
    public string User { get; init; } = "";

    /// <summary>Its password.</summary>
    public string? Password { get; init; }
}

/// <summary>TLS towards the servers.</summary>
public sealed record DbTls
{
    /// <summary>Default prefer, as libpq's.</summary>
    public DbTlsMode Mode { get; init; } = DbTlsMode.Prefer;

    /// <summary>PEM of the CA; empty for the system's.</summary>
    public string Ca { get; init; } = "";

    /// <summary>The name that the certificate must be for; empty for the host.</summary>
    public string ServerName { get; init; } = "";
}

/// <summary>How the servers of a database are looked after, when there are several: each is asked, over a connection kept for that, whether it is the primary and how far behind.</summary>
public sealed record DbHealth
{
    /// <summary>Between two questions. Default 2 s; zero asks nothing, and the roles of the configuration hold.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For an answer. Default 2 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Questions in a row without an answer until a server is down. Default 2.</summary>
    public int DownAfter { get; init; } = 2;

    /// <summary>Answers in a row until it is up again. Default 2.</summary>
    public int UpAfter { get; init; } = 2;

    /// <summary>A replica that is further behind is not read from. Default 10 s; zero for no limit.</summary>
    public TimeSpan MaxReplicaLag { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>How connections to the servers of a database are shared.</summary>
public sealed record DbPool
{
    /// <summary>Default transaction: what poolers are for.</summary>
    public DbPoolMode Mode { get; init; } = DbPoolMode.Transaction;

    /// <summary>Connections to each server at most, of this process. Default 20, as PgBouncer's default_pool_size.</summary>
    public int Size { get; init; } = 20;

    /// <summary>Per cent of the size that are opened at the start. Default 30.</summary>
    public int WarmUpPercent { get; init; } = 30;

    /// <summary>An idle connection is closed after it. Default 60 s.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A connection is closed, once free, after it, give or take a tenth. Default 3 min: failovers and password changes are taken up soon.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>For a connection to a server, with its login. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For a free connection, when all are taken. Default 10 s: whoever waits longer has been given up on.</summary>
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Clients that may wait for a connection. Default 1000.</summary>
    public int MaxQueue { get; init; } = 1000;
}
