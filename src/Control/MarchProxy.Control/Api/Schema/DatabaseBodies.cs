namespace MarchProxy.Control.Api.Schema;

/// <summary>A logical database, and the servers behind it.</summary>
public sealed record DatabaseBody : ResourceFields
{
    /// <summary>postgresql, mysql or redis.</summary>
    public required string Engine { get; init; }

    /// <summary>Its name on the servers; left out, the resource's own.</summary>
    public string? Database { get; init; }

    /// <summary>The servers; one is the primary.</summary>
    public required List<DbServerBody> Servers { get; init; }

    /// <summary>Who we are to the servers.</summary>
    public DbCredentialBody? Credential { get; init; }

    /// <summary>TLS to the servers.</summary>
    public DbTlsBody? Tls { get; init; }

    /// <summary>How connections to the servers are shared.</summary>
    public DbPoolBody? Pool { get; init; }

    /// <summary>How its servers are looked after, when there are several.</summary>
    public DbHealthBody? Health { get; init; }

    /// <summary>Whether statements that only read go to replicas.</summary>
    public bool? ReadWriteSplit { get; init; }

    /// <summary>Whether clients may send files of theirs by LOAD DATA LOCAL; MySQL and MariaDB alone.</summary>
    public bool? LocalInfile { get; init; }

    /// <summary>Whether the servers are nodes of a Redis Cluster.</summary>
    public bool? RedisCluster { get; init; }
}

/// <summary>A server of a database.</summary>
public sealed record DbServerBody
{
    /// <summary>A host name or an IP address.</summary>
    public required string Host { get; init; }

    /// <summary>Default 5432, 3306 or 6379.</summary>
    public int? Port { get; init; }

    /// <summary>primary or replica.</summary>
    public string? Role { get; init; }

    /// <summary>Its share of reads among replicas.</summary>
    public int? Weight { get; init; }

    /// <summary>Connections to it at most; 0 for the pool's size.</summary>
    public int? MaxConnections { get; init; }
}

/// <summary>Our account on the servers.</summary>
public sealed record DbCredentialBody
{
    /// <summary>Its name.</summary>
    public string? User { get; init; }

    /// <summary>Its password. Never shown; left out, the one before is kept.</summary>
    public string? Password { get; init; }
}

/// <summary>TLS to the servers.</summary>
public sealed record DbTlsBody
{
    /// <summary>disable, prefer, require or verify-full.</summary>
    public string? Mode { get; init; }

    /// <summary>PEM of the CA; left out for the system's.</summary>
    public string? Ca { get; init; }

    /// <summary>The name that the certificate must be for.</summary>
    public string? ServerName { get; init; }
}

/// <summary>How servers are asked whether they are the primary, and how far behind.</summary>
public sealed record DbHealthBody
{
    /// <summary>Between two questions: <c>2s</c>; 0s asks nothing.</summary>
    public string? Interval { get; init; }

    /// <summary>For an answer: <c>2s</c>.</summary>
    public string? Timeout { get; init; }

    /// <summary>Questions in a row without an answer until a server is down.</summary>
    public int? DownAfter { get; init; }

    /// <summary>Answers in a row until it is up again.</summary>
    public int? UpAfter { get; init; }

    /// <summary>A replica that is further behind is not read from: <c>10s</c>; 0s for no limit.</summary>
    public string? MaxReplicaLag { get; init; }
}

/// <summary>How connections to the servers are shared.</summary>
public sealed record DbPoolBody
{
    /// <summary>session, transaction or statement.</summary>
    public string? Mode { get; init; }

    /// <summary>Connections to each server at most, of one process.</summary>
    public int? Size { get; init; }

    /// <summary>Per cent of the size that are opened at the start.</summary>
    public int? WarmUpPercent { get; init; }

    /// <summary>An idle connection is closed after it: <c>60s</c>.</summary>
    public string? IdleTimeout { get; init; }

    /// <summary>A connection is closed, once free, after it: <c>3m</c>.</summary>
    public string? Lifetime { get; init; }

    /// <summary>For a connection with its login: <c>5s</c>.</summary>
    public string? ConnectTimeout { get; init; }

    /// <summary>For a free connection when all are taken: <c>10s</c>.</summary>
    public string? QueueTimeout { get; init; }

    /// <summary>Clients that may wait.</summary>
    public int? MaxQueue { get; init; }
}

/// <summary>Who connects to databases through us.</summary>
public sealed record DbAccountBody : ResourceFields
{
    /// <summary>The password. Never shown and never stored; left out, the one before holds.</summary>
    public string? Password { get; init; }

    /// <summary>What proves the password, instead of itself.</summary>
    public DbVerifiersBody? Verifiers { get; init; }

    /// <summary>Further secrets: API keys, and temporary access. Those that an edit leaves out are kept.</summary>
    public List<DbKeyBody>? Keys { get; init; }

    /// <summary>Names of client certificates that prove the account without a password, where the listener verifies such.</summary>
    public List<string>? ClientCertificates { get; init; }

    /// <summary>Whether it may come by TLS alone.</summary>
    public bool? RequireTls { get; init; }

    /// <summary>Where it may come from: networks.</summary>
    public List<string>? AllowFrom { get; init; }

    /// <summary>Statements a second.</summary>
    public int? RateLimit { get; init; }

    /// <summary>Statements an hour.</summary>
    public int? QuotaPerHour { get; init; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whom its use is counted for.</summary>
    public string? Tenant { get; init; }
}

/// <summary>A further secret of an account, given as its password.</summary>
public sealed record DbKeyBody
{
    /// <summary>Unique in its account; a DNS label.</summary>
    public required string Name { get; init; }

    /// <summary>The secret, of 16 characters at least. Never shown and never stored; left out, the one before holds.</summary>
    public string? Key { get; init; }

    /// <summary>What proves the secret, instead of itself.</summary>
    public DbVerifiersBody? Verifiers { get; init; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How often one may log in by it.</summary>
    public int? MaxUses { get; init; }

    /// <summary>How often somebody did.</summary>
    public int? Uses { get; init; }

    /// <summary>The one database that it opens.</summary>
    public string? Database { get; init; }

    /// <summary>Why it was given.</summary>
    public string? Reason { get; init; }

    /// <summary>Who gave it.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>When it was given.</summary>
    public DateTimeOffset? CreatedAt { get; init; }
}

/// <summary>What proves a password.</summary>
public sealed record DbVerifiersBody
{
    /// <summary><c>SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY</c>.</summary>
    public required string Scram { get; init; }

    /// <summary>SHA1(SHA1(password)), hexadecimal.</summary>
    public required string MysqlNative { get; init; }

    /// <summary>SHA256(SHA256(password)), hexadecimal.</summary>
    public required string MysqlSha2 { get; init; }
}

/// <summary>What an account may do to a database.</summary>
public sealed record GrantBody : ResourceFields
{
    /// <summary>The account.</summary>
    public required string Account { get; init; }

    /// <summary>The database.</summary>
    public required string Database { get; init; }

    /// <summary>Patterns of tables, or of keys for Redis; left out for all.</summary>
    public List<string>? Tables { get; init; }

    /// <summary>select, insert, update, delete, ddl, call, admin; for Redis read, write, scripting, admin.</summary>
    public required List<string> Actions { get; init; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>How statements are judged.</summary>
public sealed record SecurityPolicyBody : ResourceFields
{
    /// <summary>The databases that it holds for.</summary>
    public List<string>? Databases { get; init; }

    /// <summary>off, monitor or block by <c>default</c>, category or rule.</summary>
    public Dictionary<string, string>? Detection { get; init; }

    /// <summary>Tables that nobody but holders of admin may name.</summary>
    public List<string>? BlockedObjects { get; init; }

    /// <summary>Fingerprints that no rule refuses.</summary>
    public List<string>? AllowedFingerprints { get; init; }
}
