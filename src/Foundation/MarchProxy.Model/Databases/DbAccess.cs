using System.Collections.Frozen;
using System.Collections.Immutable;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Databases;

/// <summary>The databases of a cluster, who may come to them, and what they may do there: compiled once, asked for each session and statement.</summary>
public sealed class DbAccess
{
    private readonly FrozenDictionary<string, Database> _databases;
    private readonly FrozenDictionary<string, DbAccount> _accounts;
    private readonly FrozenDictionary<(string Account, string Database), AccessRules> _rules;
    private readonly FrozenDictionary<string, DbSecurity> _security;

    internal DbAccess(ResourceSet set)
    {
        _databases = set.Databases.ToFrozenDictionary(d => d.Name, StringComparer.Ordinal);
        _accounts = set.Accounts.ToFrozenDictionary(a => a.Name, DbPassword.Seal, StringComparer.Ordinal);
        _rules = set.Grants.GroupBy(g => (g.Account, g.Database)).ToFrozenDictionary(g => g.Key, g => new AccessRules([.. g]));
        _security = set.Databases.ToFrozenDictionary(d => d.Name, d => new DbSecurity([.. set.SecurityPolicies.Where(p => p.Databases.Contains(d.Name))]), StringComparer.Ordinal);
    }

    /// <summary>Every database.</summary>
    public ImmutableArray<Database> Databases => _databases.Values;

    /// <summary>Every account.</summary>
    public ImmutableArray<DbAccount> Accounts => _accounts.Values;

    /// <summary>A database by its name, or null.</summary>
    /// <param name="name">The name.</param>
    public Database? FindDatabase(string name) => _databases.GetValueOrDefault(name);

    /// <summary>An account by its name, or null.</summary>
    /// <param name="name">The name.</param>
    public DbAccount? FindAccount(string name) => _accounts.GetValueOrDefault(name);

    /// <summary>What an account may do to a database; <see cref="AccessRules.None"/> when nothing.</summary>
    /// <param name="account">The account.</param>
    /// <param name="database">The database.</param>
    public AccessRules Rules(string account, string database) => _rules.GetValueOrDefault((account, database)) ?? AccessRules.None;

    /// <summary>How statements to a database are judged.</summary>
    /// <param name="database">The database.</param>
    public DbSecurity Security(string database) => _security.GetValueOrDefault(database) ?? DbSecurity.None;
}

/// <summary>The grants of one account on one database.</summary>
public sealed class AccessRules
{
    private readonly ImmutableArray<Grant> _grants;
    private readonly byte[][][] _keys;

    internal AccessRules(ImmutableArray<Grant> grants)
    {
        _grants = grants;
        _keys = [.. grants.Select(g => g.Tables.Select(KeyPattern.Bytes).ToArray())];
    }

    /// <summary>Nothing.</summary>
    public static AccessRules None { get; } = new([]);

    /// <summary>Whether any grant is in force.</summary>
    /// <param name="now">The time.</param>
    public bool Any(DateTimeOffset now)
    {
        foreach (Grant grant in _grants)
        {
            if (grant.Until is not { } until || until > now) return true;
        }

        return false;
    }

    /// <summary>Which of some actions are granted, whatever the table.</summary>
    /// <param name="actions">What is wanted.</param>
    /// <param name="now">The time.</param>
    public bool Allows(DbActions actions, DateTimeOffset now)
    {
        foreach (Grant grant in _grants)
        {
            if (grant.Until is not { } until || until > now) actions &= ~grant.Actions;
        }

        return actions == DbActions.None;
    }

    /// <summary>The actions that are granted on every key, for engines that have keys in the place of tables.</summary>
    /// <param name="now">The time.</param>
    public DbActions OnEveryKey(DateTimeOffset now)
    {
        DbActions actions = DbActions.None;
        foreach (Grant grant in _grants)
        {
            if ((grant.Until is not { } until || until > now) && grant.Tables.Contains("*")) actions |= grant.Actions;
        }

        return actions;
    }

    /// <summary>Whether all of some actions are granted on a key.</summary>
    /// <param name="actions">What is wanted.</param>
    /// <param name="key">The key.</param>
    /// <param name="now">The time.</param>
    public bool AllowsKey(DbActions actions, ReadOnlySpan<byte> key, DateTimeOffset now)
    {
        for (int i = 0; i < _grants.Length && actions != DbActions.None; i++)
        {
            if ((_grants[i].Actions & actions) == 0 || _grants[i].Until <= now) continue;
            foreach (byte[] pattern in _keys[i])
            {
                if (!KeyPattern.Matches(pattern, key)) continue;
                actions &= ~_grants[i].Actions;
                break;
            }
        }

        return actions == DbActions.None;
    }

    /// <summary>Whether all of some actions are granted on a table.</summary>
    /// <param name="actions">What is wanted.</param>
    /// <param name="schema">The table's schema; empty when it was not named.</param>
    /// <param name="table">The table, folded as the engine does.</param>
    /// <param name="now">The time.</param>
    public bool Allows(DbActions actions, ReadOnlySpan<char> schema, ReadOnlySpan<char> table, DateTimeOffset now)
    {
        foreach (Grant grant in _grants)
        {
            if ((grant.Actions & actions) == 0 || grant.Until <= now) continue;
            foreach (string pattern in grant.Tables)
            {
                if (!TablePattern.Matches(pattern, schema, table)) continue;
                actions &= ~grant.Actions;
                break;
            }

            if (actions == DbActions.None) return true;
        }

        return actions == DbActions.None;
    }
}

/// <summary>The security policies of one database, joined: of several, the stricter wins.</summary>
public sealed class DbSecurity
{
    private readonly FrozenDictionary<string, DetectionMode> _detection;
    private readonly ImmutableArray<string> _blocked;
    private readonly FrozenSet<string> _allowed;

    internal DbSecurity(ImmutableArray<SecurityPolicy> policies)
    {
        _detection = policies.SelectMany(p => p.Detection).GroupBy(d => d.Key, StringComparer.Ordinal).ToFrozenDictionary(g => g.Key, g => g.Max(d => d.Value), StringComparer.Ordinal);
        _blocked = [.. policies.SelectMany(p => p.BlockedObjects).Distinct(StringComparer.Ordinal)];
        _allowed = policies.SelectMany(p => p.AllowedFingerprints).ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>Judges nothing.</summary>
    public static DbSecurity None { get; } = new([]);

    /// <summary>Whether any rule is on.</summary>
    public bool IsOn => _detection.Values.Any(m => m != DetectionMode.Off) || !_blocked.IsEmpty;

    /// <summary>What to do when a rule finds a statement: by the rule, else its category, else the default.</summary>
    /// <param name="category">The rule's category.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="otherwise">What holds when the policy says only <c>default</c>, for rules that are on only where they are named.</param>
    public DetectionMode Mode(string category, string rule, DetectionMode? otherwise = null) =>
        _detection.TryGetValue(rule, out DetectionMode mode) || _detection.TryGetValue(category, out mode) ? mode
        : otherwise ?? _detection.GetValueOrDefault("default", DetectionMode.Off);

    /// <summary>Whether a table is among the blocked objects.</summary>
    /// <param name="schema">Its schema; empty when it was not named.</param>
    /// <param name="table">Its name.</param>
    public bool Blocks(ReadOnlySpan<char> schema, ReadOnlySpan<char> table)
    {
        foreach (string pattern in _blocked)
        {
            // A name without its schema may mean the blocked one: the search path decides, which is not ours.
            if (TablePattern.Matches(pattern, schema, table) || (schema.IsEmpty && TablePattern.Matches(pattern.AsSpan(pattern.IndexOf('.', StringComparison.Ordinal) + 1), default, table))) return true;
        }

        return false;
    }

    /// <summary>Whether a fingerprint is an exception.</summary>
    /// <param name="fingerprint">The fingerprint.</param>
    public bool AllowsFingerprint(string fingerprint) => _allowed.Contains(fingerprint);
}
