using System.Text.Json;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <content>The fields of what ArticDBM obeys.</content>
public static partial class ResourceWriter
{
    private static void Database(Utf8JsonWriter json, Database database, bool redact)
    {
        json.WriteString("engine", Databases.DbEngines.Name(database.Engine));
        Text(json, "database", database.NameOnServer);
        Objects(json, "servers", database.Servers, server =>
        {
            json.WriteString("host", server.Host);
            json.WriteNumber("port", server.Port);
            if (server.Role == DbServerRole.Replica) json.WriteString("role", "replica");
            if (server.Weight != 100) json.WriteNumber("weight", server.Weight);
            if (server.MaxConnections != 0) json.WriteNumber("maxConnections", server.MaxConnections);
        });
        if (database.Credential != new DbCredential())
        {
            json.WriteStartObject("credential");
            Text(json, "user", database.Credential.User);
            if (!redact) Text(json, "password", database.Credential.Password);
            json.WriteEndObject();
        }

        if (database.Tls != new DbTls())
        {
            json.WriteStartObject("tls");
            json.WriteString("mode", database.Tls.Mode switch { DbTlsMode.Disable => "disable", DbTlsMode.Require => "require", DbTlsMode.VerifyFull => "verify-full", _ => "prefer" });
            Text(json, "ca", database.Tls.Ca);
            Text(json, "serverName", database.Tls.ServerName);
            json.WriteEndObject();
        }

        Pool(json, database.Pool);
        Health(json, database.Health);
        if (database.ReadWriteSplit) json.WriteBoolean("readWriteSplit", true);
        if (database.LocalInfile) json.WriteBoolean("localInfile", true);
        if (database.RedisCluster) json.WriteBoolean("redisCluster", true);
    }

    private static void Pool(Utf8JsonWriter json, DbPool pool)
    {
        var usual = new DbPool();
        if (pool == usual) return;
        json.WriteStartObject("pool");
        if (pool.Mode != usual.Mode) json.WriteString("mode", pool.Mode == DbPoolMode.Session ? "session" : "statement");
        if (pool.Size != usual.Size) json.WriteNumber("size", pool.Size);
        if (pool.WarmUpPercent != usual.WarmUpPercent) json.WriteNumber("warmUpPercent", pool.WarmUpPercent);
        if (pool.IdleTimeout != usual.IdleTimeout) Lasting(json, "idleTimeout", pool.IdleTimeout);
        if (pool.Lifetime != usual.Lifetime) Lasting(json, "lifetime", pool.Lifetime);
        if (pool.ConnectTimeout != usual.ConnectTimeout) Lasting(json, "connectTimeout", pool.ConnectTimeout);
        if (pool.QueueTimeout != usual.QueueTimeout) Lasting(json, "queueTimeout", pool.QueueTimeout);
        if (pool.MaxQueue != usual.MaxQueue) json.WriteNumber("maxQueue", pool.MaxQueue);
        json.WriteEndObject();
    }

    private static void Health(Utf8JsonWriter json, DbHealth health)
    {
        var usual = new DbHealth();
        if (health == usual) return;
        json.WriteStartObject("health");
        if (health.Interval != usual.Interval) Lasting(json, "interval", health.Interval);
        if (health.Timeout != usual.Timeout) Lasting(json, "timeout", health.Timeout);
        if (health.DownAfter != usual.DownAfter) json.WriteNumber("downAfter", health.DownAfter);
        if (health.UpAfter != usual.UpAfter) json.WriteNumber("upAfter", health.UpAfter);
        if (health.MaxReplicaLag != usual.MaxReplicaLag) Lasting(json, "maxReplicaLag", health.MaxReplicaLag);
        json.WriteEndObject();
    }

    /// <summary>A duration of which zero is not the default.</summary>
    private static void Lasting(Utf8JsonWriter json, string field, TimeSpan value)
    {
        if (value == TimeSpan.Zero) json.WriteString(field, "0s");
        else Duration(json, field, value);
    }

    private static void Account(Utf8JsonWriter json, DbAccount account, bool redact)
    {
        if (!redact)
        {
            Text(json, "password", account.Password);
            Verifiers(json, account.Verifiers);
        }

        Objects(json, "keys", account.Keys, key =>
        {
            json.WriteString("name", key.Name);
            if (!redact)
            {
                Text(json, "key", key.Secret);
                Verifiers(json, key.Verifiers);
            }

            Time(json, "expiresAt", key.ExpiresAt);
            if (key.MaxUses != 0) json.WriteNumber("maxUses", key.MaxUses);
            if (key.Uses != 0) json.WriteNumber("uses", key.Uses);
            Text(json, "database", key.Database);
            Text(json, "reason", key.Reason);
            Text(json, "createdBy", key.CreatedBy);
            Time(json, "createdAt", key.CreatedAt);
        });

        Texts(json, "clientCertificates", account.ClientCertificates);
        if (account.RequireTls) json.WriteBoolean("requireTls", true);
        Texts(json, "allowFrom", [.. account.AllowFrom.Select(n => n.ToString())]);
        if (account.RateLimit != 0) json.WriteNumber("rateLimit", account.RateLimit);
        if (account.QuotaPerHour != 0) json.WriteNumber("quotaPerHour", account.QuotaPerHour);
        Time(json, "expiresAt", account.ExpiresAt);
        Text(json, "tenant", account.Tenant);
    }

    private static void Verifiers(Utf8JsonWriter json, DbVerifiers? verifiers)
    {
        if (verifiers is null) return;
        json.WriteStartObject("verifiers");
        Text(json, "scram", verifiers.Scram);
        Text(json, "mysqlNative", verifiers.MySqlNative);
        Text(json, "mysqlSha2", verifiers.MySqlSha2);
        json.WriteEndObject();
    }

    private static void Grant(Utf8JsonWriter json, Grant grant)
    {
        Text(json, "account", grant.Account);
        Text(json, "database", grant.Database);
        if (grant.Tables is not ["*"]) Texts(json, "tables", grant.Tables);
        Texts(json, "actions", [.. Databases.DbActionNames.Of(grant.Actions)]);
        Time(json, "until", grant.Until);
    }

    private static void SecurityPolicy(Utf8JsonWriter json, SecurityPolicy policy)
    {
        Texts(json, "databases", policy.Databases);
        Map(json, "detection", policy.Detection, (name, mode) => json.WriteString(name, mode switch { DetectionMode.Block => "block", DetectionMode.Monitor => "monitor", _ => "off" }));
        Texts(json, "blockedObjects", policy.BlockedObjects);
        Texts(json, "allowedFingerprints", policy.AllowedFingerprints);
    }
}
