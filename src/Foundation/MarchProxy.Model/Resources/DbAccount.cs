using System.Collections.Immutable;
using System.Net;

namespace MarchProxy.Model.Resources;

/// <summary>Who connects to databases through us.</summary>
public sealed record DbAccount : Resource
{
    /// <inheritdoc/>
    public override string Kind => "account";

    /// <summary>The password as it was given, between its reading and the making of <see cref="Verifiers"/>; never stored.</summary>
    public string? Password { get; init; }

    /// <summary>What proves the password; null until it was made.</summary>
    public DbVerifiers? Verifiers { get; init; }

    /// <summary>Further secrets that it may prove itself by: API keys and temporary access.</summary>
    public ImmutableArray<DbKey> Keys { get; init; } = [];

    /// <summary>All that it may prove itself by: the password, and each key; which of them still holds is asked afterwards, so that whoever has an old one is told.</summary>
    public IEnumerable<(DbVerifiers Verifiers, DbKey? Key)> Proofs
    {
        get
        {
            if (Verifiers is not null) yield return (Verifiers, null);
            foreach (DbKey key in Keys)
            {
                if (key.Verifiers is { } verifiers) yield return (verifiers, key);
            }
        }
    }

    /// <summary>Names of client certificates (URI or DNS name, else the common name) that prove the account without a password, where the listener verifies such.</summary>
    public ImmutableArray<string> ClientCertificates { get; init; } = [];

    /// <summary>Whether it may come by TLS alone.</summary>
    public bool RequireTls { get; init; }

    /// <summary>Where it may come from; empty for anywhere.</summary>
    public ImmutableArray<IPNetwork> AllowFrom { get; init; } = [];

    /// <summary>Statements a second, of this process; 0 for no bound.</summary>
    public int RateLimit { get; init; }

    /// <summary>Statements an hour, of this process; 0 for no bound.</summary>
    public int QuotaPerHour { get; init; }

    /// <summary>When it ends; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whom its use is counted for.</summary>
    public string Tenant { get; init; } = "";
}

/// <summary>
/// What a password is checked against, one for each way in which clients prove that they know it: SCRAM-SHA-256 for PostgreSQL (RFC 5802, in PostgreSQL's own notation), and
/// the double hashes that MySQL's two plug-ins demand.
/// </summary>
/// <param name="Scram"><c>SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY</c>.</param>
/// <param name="MySqlNative">SHA1(SHA1(password)), hexadecimal: mysql_native_password.</param>
/// <param name="MySqlSha2">SHA256(SHA256(password)), hexadecimal: caching_sha2_password's fast way.</param>
public sealed record DbVerifiers(string Scram, string MySqlNative, string MySqlSha2);

/// <summary>Which kinds of statements an account may run.</summary>
[Flags]
public enum DbActions
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>SELECT.</summary>
    Select = 1,

    /// <summary>INSERT, COPY FROM, REPLACE.</summary>
    Insert = 2,

    /// <summary>UPDATE, MERGE.</summary>
    Update = 4,

    /// <summary>DELETE, TRUNCATE.</summary>
    Delete = 8,

    /// <summary>CREATE, ALTER, DROP and their kin.</summary>
    Ddl = 16,

    /// <summary>CALL, DO, EXECUTE of procedures.</summary>
    Call = 32,

    /// <summary>Everything else that reaches beyond tables: GRANT, SET ROLE, COPY to files or programs, server settings.</summary>
    Admin = 64,

    /// <summary>Commands that read, of Redis and its like.</summary>
    Read = 128,

    /// <summary>Commands that write.</summary>
    Write = 256,

    /// <summary>EVAL, FUNCTION and their kin.</summary>
    Scripting = 512,
}

/// <summary>What an account may do to a database.</summary>
public sealed record Grant : Resource
{
    /// <inheritdoc/>
    public override string Kind => "grant";

    /// <summary>The account.</summary>
    public string Account { get; init; } = "";

    /// <summary>The database.</summary>
    public string Database { get; init; } = "";

    /// <summary>Patterns of tables (<c>*</c> for any run of characters), with or without a schema; of keys, for Redis. Default <c>*</c>.</summary>
    public ImmutableArray<string> Tables { get; init; } = ["*"];

    /// <summary>What it may do.</summary>
    public DbActions Actions { get; init; }

    /// <summary>When it ends; null for never.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>What the firewall does with a statement that a rule finds.</summary>
public enum DetectionMode
{
    /// <summary>Nothing.</summary>
    Off,

    /// <summary>Counts and logs it.</summary>
    Monitor,

    /// <summary>Refuses it.</summary>
    Block,
}

/// <summary>How statements are judged, of one or several databases.</summary>
public sealed record SecurityPolicy : Resource
{
    /// <inheritdoc/>
    public override string Kind => "securityPolicy";

    /// <summary>The databases that it holds for.</summary>
    public ImmutableArray<string> Databases { get; init; } = [];

    /// <summary>What to do by <c>default</c>, by category, or by rule; the narrower wins.</summary>
    public ImmutableSortedDictionary<string, DetectionMode> Detection { get; init; } = ImmutableSortedDictionary<string, DetectionMode>.Empty;

    /// <summary>Tables that nobody but holders of admin may name: <c>pg_catalog.pg_authid</c>, <c>mysql.user</c>.</summary>
    public ImmutableArray<string> BlockedObjects { get; init; } = [];

    /// <summary>Fingerprints of statements that no rule refuses: exceptions.</summary>
    public ImmutableArray<string> AllowedFingerprints { get; init; } = [];
}
