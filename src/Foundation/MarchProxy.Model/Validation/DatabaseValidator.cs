using System.Net;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>Databases with servers that can be dialled, accounts that can prove themselves, grants and policies that lead somewhere.</summary>
internal static class DatabaseValidator
{
    private const DbActions Relational = DbActions.Select | DbActions.Insert | DbActions.Update | DbActions.Delete | DbActions.Ddl | DbActions.Call | DbActions.Admin;
    private const DbActions KeyValue = DbActions.Read | DbActions.Write | DbActions.Scripting | DbActions.Admin;

    public static void Validate(ResourceSet set, DiagnosticList diagnostics)
    {
        var databases = set.Databases.GroupBy(d => (d.Cluster, d.Name)).ToDictionary(g => g.Key, g => g.First());
        var accounts = set.Accounts.Select(a => (a.Cluster, a.Name)).ToHashSet();
        foreach (Database database in set.Databases) Check(database, (field, message, mend) => diagnostics.Error(database.Position, database.Reference, field, message, mend));
        foreach (DbAccount account in set.Accounts)
        {
            Check(account, (field, message, mend) => diagnostics.Error(account.Position, account.Reference, field, message, mend));
            foreach (string name in account.Keys.Select(k => k.Database).Where(d => d.Length > 0 && !databases.ContainsKey((account.Cluster, d))))
            {
                diagnostics.Error(account.Position, account.Reference, "keys.database", $"there is no database \"{name}\"", Mend(name, databases.Keys.Where(d => d.Cluster == account.Cluster).Select(d => d.Name), "databases"));
            }
        }

        foreach (Grant grant in set.Grants)
        {
            void Error(string field, string message, string mend) => diagnostics.Error(grant.Position, grant.Reference, field, message, mend);
            if (grant.Actions == DbActions.None) Error("actions", "is missing", "write actions: [select]");
            if (!accounts.Contains((grant.Cluster, grant.Account))) Error("account", $"there is no account \"{grant.Account}\"", Mend(grant.Account, accounts.Where(a => a.Cluster == grant.Cluster).Select(a => a.Name), "accounts"));
            if (!databases.TryGetValue((grant.Cluster, grant.Database), out Database? database))
            {
                Error("database", $"there is no database \"{grant.Database}\"", Mend(grant.Database, databases.Keys.Where(d => d.Cluster == grant.Cluster).Select(d => d.Name), "databases"));
                continue;
            }

            DbActions strange = grant.Actions & ~(database.Engine == DbEngine.Redis ? KeyValue : Relational);
            if (strange != DbActions.None) Error("actions", $"{strange.ToString().ToLowerInvariant()} means nothing to this engine", database.Engine == DbEngine.Redis ? "write read, write, scripting or admin" : "write select, insert, update, delete, ddl, call or admin");
        }

        foreach (SecurityPolicy policy in set.SecurityPolicies)
        {
            Check(policy, (field, message, mend) => diagnostics.Error(policy.Position, policy.Reference, field, message, mend));
            foreach (string name in policy.Databases.Where(n => !databases.ContainsKey((policy.Cluster, n))))
            {
                diagnostics.Error(policy.Position, policy.Reference, "databases", $"there is no database \"{name}\"", Mend(name, databases.Keys.Where(d => d.Cluster == policy.Cluster).Select(d => d.Name), "databases"));
            }
        }

        foreach (Listener listener in set.Listeners.Where(l => l.Purpose == ListenerPurpose.Database)) Check(listener, databases, (field, message, mend) => diagnostics.Error(listener.Position, listener.Reference, field, message, mend));
    }

    private static void Check(Database database, Action<string, string, string> error)
    {
        if (database.Name == "usage") error("name", "\"usage\" is the list of what was used in the manager's paths", "choose another name");
        if (database.Servers.IsEmpty) error("servers", "is missing", "write servers: [{ host: 10.0.0.5, role: primary }]");
        else if (database.RedisCluster && database.Servers.All(s => s.Role == DbServerRole.Replica)) error("servers", "no node is a primary", "leave the roles out: the cluster tells them");
        else if (!database.RedisCluster && database.Servers.Count(s => s.Role == DbServerRole.Primary) != 1) error("servers", "there must be one primary", "give one server role: primary, and the others role: replica");
        foreach (DbServer server in database.Servers)
        {
            bool host = IPAddress.TryParse(server.Host, out _) || Addresses.HostName.TryNormalise(server.Host, out _);
            if (!host) error("servers.host", $"\"{server.Host}\" is neither a host name nor an address", "write db1.example or 10.0.0.5");
        }

        if (database.Credential.User.Length == 0 && database.Engine != DbEngine.Redis) error("credential.user", "is missing", "write credential: { user: NAME, password: env:NAME }");
        if (database.LocalInfile && database.Engine != DbEngine.MySql) error("localInfile", "is of MySQL and MariaDB alone", "take it out");
        if (database.Health.Timeout <= TimeSpan.Zero) error("health.timeout", "is not above zero", "write 2s");
        if (database.RedisCluster && database.Engine != DbEngine.Redis) error("redisCluster", "is of Redis alone", "take it out");
        if (database is { Engine: DbEngine.Redis, NameOnServer.Length: > 0 } && !(ushort.TryParse(database.NameOnServer, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ushort number) && !(database.RedisCluster && number != 0))) error("database", $"\"{database.NameOnServer}\" is no database of Redis'", database.RedisCluster ? "take it out: a cluster has only 0" : "write its number, as SELECT takes it");
        if (database.ReadWriteSplit && !database.RedisCluster && !database.Servers.Any(s => s.Role == DbServerRole.Replica)) error("readWriteSplit", "there is no replica to read from", "add a server with role: replica, or take it out");
        if (database.Pool.ConnectTimeout <= TimeSpan.Zero) error("pool.connectTimeout", "is not above zero", "write 5s");
    }

    private static void Check(SecurityPolicy policy, Action<string, string, string> error)
    {
        foreach (string key in policy.Detection.Keys.Where(k => !DetectionKeys.All.Contains(k)))
        {
            error("detection", $"\"{key}\" is neither a rule nor a category", Suggestion.For(key, DetectionKeys.All) is { } near ? $"did you mean {near}?" : "docs/SQL-FIREWALL.md lists them");
        }

        foreach (string fingerprint in policy.AllowedFingerprints.Where(f => !(f.Length == 16 && f.All(char.IsAsciiHexDigitLower))))
        {
            error("allowedFingerprints", $"\"{fingerprint}\" is no fingerprint", "write the 16 hexadecimal digits that the refusal names, in lower case");
        }
    }

    private static void Check(DbAccount account, Action<string, string, string> error)
    {
        if (account is { Password: null, Verifiers: null, Keys.IsEmpty: true, ClientCertificates.IsEmpty: true }) error("password", "is missing", "write password: env:NAME");
        Check(account.Verifiers, "", "password", error);
        if (account.Keys.Length > DbPassword.MaxKeys) error("keys", $"are {account.Keys.Length}", $"keep {DbPassword.MaxKeys} at most; give machines accounts of their own");
        foreach (DbKey key in account.Keys)
        {
            if (!NameValidator.IsLabel(key.Name)) error("keys.name", $"\"{key.Name}\" is not a DNS label", "write up to 63 lower-case letters, digits and dashes");
            if (key is { Secret: null, Verifiers: null }) error("keys.key", $"of {key.Name} is missing", "write key: env:NAME");
            Check(key.Verifiers, "keys.", "key", error);
        }

        foreach (string name in account.Keys.Select(k => k.Name).GroupBy(n => n, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key)) error("keys.name", $"\"{name}\" stands there more than once", "rename one of them");
        if (!DbPassword.ShareSalt(account)) error("verifiers.scram", "has another salt than the keys of this account", "give the password instead, or delete the keys first");
    }

    private static void Check(DbVerifiers? verifiers, string prefix, string instead, Action<string, string, string> error)
    {
        if (verifiers is null) return;
        string mend = $"give the {instead} instead";
        if (!DbPassword.TryParseScram(verifiers.Scram, out _)) error(prefix + "verifiers.scram", "is not a SCRAM-SHA-256 verifier", mend);
        if (!IsHex(verifiers.MySqlNative, 40)) error(prefix + "verifiers.mysqlNative", "is not 40 hexadecimal digits", mend);
        if (!IsHex(verifiers.MySqlSha2, 64)) error(prefix + "verifiers.mysqlSha2", "is not 64 hexadecimal digits", mend);
    }

    private static void Check(Listener listener, Dictionary<(string Cluster, string Name), Database> databases, Action<string, string, string> error)
    {
        if (listener.Engine is not ("postgresql" or "mysql" or "redis"))
        {
            string? near = Suggestion.For(listener.Engine, ["postgresql", "mysql", "redis"]);
            error("engine", listener.Engine.Length == 0 ? "is missing" : $"\"{listener.Engine}\" is not an engine", near is null ? "write postgresql, mysql or redis" : $"did you mean {near}?");
            return;
        }

        if (listener.Database.Length == 0)
        {
            if (listener.Engine == "redis") error("database", "is missing: clients of Redis name none", "write database: NAME");
            return;
        }

        if (!databases.TryGetValue((listener.Cluster, listener.Database), out Database? database)) error("database", $"there is no database \"{listener.Database}\"", Mend(listener.Database, databases.Keys.Where(d => d.Cluster == listener.Cluster).Select(d => d.Name), "databases"));
        else if (DbEngines.Name(database.Engine) != listener.Engine) error("database", $"{listener.Database} is of {DbEngines.Name(database.Engine)}", $"write engine: {DbEngines.Name(database.Engine)}");
    }

    private static bool IsHex(string text, int length) => text.Length == length && text.All(char.IsAsciiHexDigit);

    private static string Mend(string name, IEnumerable<string> known, string plural) => Suggestion.For(name, known) is { } near ? $"did you mean {near}?" : $"add it under {plural}";
}
