using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Reads databases, accounts, grants and security policies.</summary>
internal static class DatabaseBinders
{
    public static Database Database(FieldReader fields, Header header)
    {
        DbEngine engine = fields.Choice("engine", DbEngine.PostgreSql, ("postgresql", DbEngine.PostgreSql), ("mysql", DbEngine.MySql), ("redis", DbEngine.Redis));
        return new Database
        {
            Name = header.Name,
            Cluster = header.Cluster,
            Description = header.Description,
            Labels = header.Labels,
            Position = header.Position,
            Engine = engine,
            NameOnServer = fields.Text("database"),
            Servers = Servers(fields, engine),
            Credential = Credential(fields.Map("credential")),
            Tls = Tls(fields.Map("tls")),
            Pool = Pool(fields.Map("pool")),
            Health = Health(fields.Map("health")),
            ReadWriteSplit = fields.Choice("readWriteSplit", false, ("true", true), ("false", false)),
            LocalInfile = fields.Choice("localInfile", false, ("true", true), ("false", false)),
            RedisCluster = fields.Choice("redisCluster", false, ("true", true), ("false", false)),
        };
    }

    public static DbAccount Account(FieldReader fields, Header header)
    {
        string? password = fields.Secret("password");
        if (password is { Length: 0 or > DbPassword.MaxLength } && fields.Find("password") is { } node) fields.Wrong(node, "password", $"has {password.Length} characters", $"write 1 to {DbPassword.MaxLength}");
        DbVerifiers? verifiers = Verifiers(fields);
        return new DbAccount
        {
            Name = header.Name,
            Cluster = header.Cluster,
            Description = header.Description,
            Labels = header.Labels,
            Position = header.Position,
            Password = password,
            Verifiers = password is null ? verifiers : null,
            Keys = Keys(fields),
            ClientCertificates = fields.Texts("clientCertificates"),
            RequireTls = fields.Choice("requireTls", false, ("true", true), ("false", false)),
            AllowFrom = Networks(fields, "allowFrom"),
            RateLimit = (int)fields.Number("rateLimit", 0, 0, 10_000_000),
            QuotaPerHour = (int)fields.Number("quotaPerHour", 0, 0, 1_000_000_000),
            ExpiresAt = fields.Time("expiresAt"),
            Tenant = fields.Text("tenant"),
        };
    }

    private static DbVerifiers? Verifiers(FieldReader fields)
    {
        FieldReader? given = fields.Map("verifiers");
        DbVerifiers? verifiers = given is null ? null : new DbVerifiers(given.Text("scram"), given.Text("mysqlNative"), given.Text("mysqlSha2"));
        given?.Finish();
        return verifiers;
    }

    private static ImmutableArray<DbKey> Keys(FieldReader fields)
    {
        var keys = ImmutableArray.CreateBuilder<DbKey>();
        foreach (Node item in fields.Items("keys"))
        {
            if (item is not MapNode map)
            {
                fields.Wrong(item, "keys", "an item is not a map of fields", "write { name: ci, key: env:CI_KEY }");
                continue;
            }

            FieldReader key = fields.Nested(map, "keys");
            string? secret = key.Secret("key");
            if (secret is { Length: < DbPassword.MinKeyLength or > DbPassword.MaxLength } && key.Find("key") is { } node) key.Wrong(node, "key", $"has {secret.Length} characters", $"write {DbPassword.MinKeyLength} to {DbPassword.MaxLength}: openssl rand -base64 32");
            DbVerifiers? verifiers = Verifiers(key);
            keys.Add(new DbKey
            {
                Name = key.Text("name"),
                Secret = secret,
                Verifiers = secret is null ? verifiers : null,
                ExpiresAt = key.Time("expiresAt"),
                MaxUses = (int)key.Number("maxUses", 0, 0, 1_000_000),
                Uses = (int)key.Number("uses", 0, 0, int.MaxValue),
                Database = key.Text("database"),
                Reason = key.Text("reason"),
                CreatedBy = key.Text("createdBy"),
                CreatedAt = key.Time("createdAt"),
            });
            key.Finish();
        }

        return keys.ToImmutable();
    }

    public static Grant Grant(FieldReader fields, Header header)
    {
        DbActions actions = DbActions.None;
        foreach (Node item in fields.Items("actions"))
        {
            string text = (item as ScalarNode)?.Value ?? "";
            DbActions found = DbActionNames.Find(text);
            string? near = found == DbActions.None ? Suggestion.For(text, DbActionNames.All) : null;
            if (found == DbActions.None) fields.Wrong(item, "actions", $"{FieldReader.Shown(item)} is not an action", near is null ? $"write {string.Join(", ", DbActionNames.All)}" : $"did you mean {near}?");
            actions |= found;
        }

        ImmutableArray<string> tables = fields.Texts("tables");
        return new Grant
        {
            Name = header.Name,
            Cluster = header.Cluster,
            Description = header.Description,
            Labels = header.Labels,
            Position = header.Position,
            Account = fields.Text("account"),
            Database = fields.Text("database"),
            Tables = tables.IsEmpty ? ["*"] : tables,
            Actions = actions,
            Until = fields.Time("until"),
        };
    }

    /// <summary>A grant without a name is known by what it grants on: the same lines make the same names, whatever their order.</summary>
    public static string GrantName(FieldReader fields)
    {
        string account = fields.Text("account"), database = fields.Text("database");
        if (account.Length == 0 || database.Length == 0) return "";
        string tables = string.Join(',', fields.Texts("tables")), name = $"{account}-{database}";
        string tail = tables is "" or "*" ? "" : "-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(tables)).AsSpan(0, 4));
        return name.Length + tail.Length <= 63 ? name + tail : $"{name[..45]}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name + tables)).AsSpan(0, 8))}";
    }

    public static SecurityPolicy SecurityPolicy(FieldReader fields, Header header)
    {
        var detection = ImmutableSortedDictionary.CreateBuilder<string, DetectionMode>(StringComparer.Ordinal);
        foreach ((ScalarNode key, Node value) in fields.Entries("detection"))
        {
            DetectionMode? mode = (value as ScalarNode)?.Value switch { "off" => DetectionMode.Off, "monitor" => DetectionMode.Monitor, "block" => DetectionMode.Block, _ => null };
            if (mode is { } known) detection[key.Value] = known;
            else fields.Wrong(value, "detection", $"{FieldReader.Shown(value)} is not known", "write off, monitor or block");
        }

        return new SecurityPolicy
        {
            Name = header.Name,
            Cluster = header.Cluster,
            Description = header.Description,
            Labels = header.Labels,
            Position = header.Position,
            Databases = fields.Texts("databases"),
            Detection = detection.ToImmutable(),
            BlockedObjects = fields.Texts("blockedObjects"),
            AllowedFingerprints = fields.Texts("allowedFingerprints"),
        };
    }

    /// <summary>The port that an engine's servers listen on when nothing else is said.</summary>
    public static int DefaultPort(DbEngine engine) => engine switch { DbEngine.MySql => 3306, DbEngine.Redis => 6379, _ => 5432 };

    private static ImmutableArray<DbServer> Servers(FieldReader fields, DbEngine engine)
    {
        var servers = ImmutableArray.CreateBuilder<DbServer>();
        foreach (Node item in fields.Items("servers"))
        {
            if (item is not MapNode map)
            {
                fields.Wrong(item, "servers", "an item is not a map of fields", "write { host: 10.0.0.5, port: 5432, role: primary }");
                continue;
            }

            FieldReader server = fields.Nested(map, "servers");
            servers.Add(new DbServer
            {
                Host = server.Text("host"),
                Port = (int)server.Number("port", DefaultPort(engine), 1, 65535),
                Role = server.Choice("role", DbServerRole.Primary, ("primary", DbServerRole.Primary), ("replica", DbServerRole.Replica)),
                Weight = (int)server.Number("weight", 100, 0, 10_000),
                MaxConnections = (int)server.Number("maxConnections", 0, 0, 100_000),
            });
            server.Finish();
        }

        return servers.ToImmutable();
    }

    private static DbCredential Credential(FieldReader? fields)
    {
        if (fields is null) return new DbCredential();
        var credential = new DbCredential { User = fields.Text("user"), Password = fields.Secret("password") };
        fields.Finish();
        return credential;
    }

    private static DbTls Tls(FieldReader? fields)
    {
        if (fields is null) return new DbTls();
        var tls = new DbTls
        {
            Mode = fields.Choice("mode", DbTlsMode.Prefer, ("disable", DbTlsMode.Disable), ("prefer", DbTlsMode.Prefer), ("require", DbTlsMode.Require), ("verify-full", DbTlsMode.VerifyFull)),
            Ca = fields.Secret("ca", literalIsFine: true) ?? "",
            ServerName = fields.Text("serverName"),
        };
        fields.Finish();
        return tls;
    }

    private static DbPool Pool(FieldReader? fields)
    {
        var usual = new DbPool();
        if (fields is null) return usual;
        var pool = new DbPool
        {
            Mode = fields.Choice("mode", usual.Mode, ("session", DbPoolMode.Session), ("transaction", DbPoolMode.Transaction), ("statement", DbPoolMode.Statement)),
            Size = (int)fields.Number("size", usual.Size, 1, 10_000),
            WarmUpPercent = (int)fields.Number("warmUpPercent", usual.WarmUpPercent, 0, 100),
            IdleTimeout = Or(fields, "idleTimeout", usual.IdleTimeout),
            Lifetime = Or(fields, "lifetime", usual.Lifetime),
            ConnectTimeout = Or(fields, "connectTimeout", usual.ConnectTimeout),
            QueueTimeout = Or(fields, "queueTimeout", usual.QueueTimeout),
            MaxQueue = (int)fields.Number("maxQueue", usual.MaxQueue, 0, 1_000_000),
        };
        fields.Finish();
        return pool;
    }

    private static DbHealth Health(FieldReader? fields)
    {
        var usual = new DbHealth();
        if (fields is null) return usual;
        var health = new DbHealth
        {
            Interval = Or(fields, "interval", usual.Interval),
            Timeout = Or(fields, "timeout", usual.Timeout),
            DownAfter = (int)fields.Number("downAfter", usual.DownAfter, 1, 100),
            UpAfter = (int)fields.Number("upAfter", usual.UpAfter, 1, 100),
            MaxReplicaLag = Or(fields, "maxReplicaLag", usual.MaxReplicaLag),
        };
        fields.Finish();
        return health;
    }

    private static TimeSpan Or(FieldReader fields, string field, TimeSpan otherwise) => fields.Find(field) is null ? otherwise : fields.Duration(field);

    private static ImmutableArray<IPNetwork> Networks(FieldReader fields, string field)
    {
        var result = ImmutableArray.CreateBuilder<IPNetwork>();
        foreach (Node item in fields.Items(field))
        {
            if (item is ScalarNode scalar && HostPattern.TryNetwork(scalar.Value, out IPNetwork network)) result.Add(network);
            else fields.Wrong(item, field, $"{FieldReader.Shown(item)} is not a network", "write 10.0.0.0/8, 10.1.2.3 or fd00::/8");
        }

        return result.ToImmutable();
    }
}
