using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security;

/// <summary>Decides on a statement by what was read of it, what its sender may do, and what the policy says. Allocates nothing.</summary>
public static class Judge
{
    /// <summary>
    /// In this order: rules, unless the shape is an exception; blocked objects; grants. The rules come first so that an attack is called one though a grant would have refused it too.
    /// </summary>
    /// <param name="report">What was read.</param>
    /// <param name="rules">What the account may do.</param>
    /// <param name="security">How the database's statements are judged.</param>
    /// <param name="now">The time.</param>
    public static Verdict Decide(StatementReport report, AccessRules rules, DbSecurity security, DateTimeOffset now)
    {
        ulong monitored = 0;
        if (report.Hits.Length > 0 && security.IsOn)
        {
            int blocking = Hits(report, security, ref monitored);
            if (blocking >= 0)
            {
                RefusalReason reason = report.Hits[blocking].Rule.Grade == RuleGrade.Named ? RefusalReason.Forbidden : RefusalReason.Injection;
                return new Verdict(reason, blocking, -1, DbActions.None, monitored);
            }
        }

        for (int i = 0; i < report.Tables.Length; i++)
        {
            TableUse table = report.Tables[i];
            if (security.Blocks(table.Schema, table.Name) && !rules.Allows(DbActions.Admin, table.Schema, table.Name, now)) return new Verdict(RefusalReason.BlockedObject, -1, i, DbActions.Admin, monitored);
        }

        return Grants(report, rules, now, monitored);
    }

    /// <summary>The first hit that refuses, or -1. Those that do not are to be logged; a shape that is an exception is logged and not refused.</summary>
    private static int Hits(StatementReport report, DbSecurity security, ref ulong monitored)
    {
        bool excepted = security.AllowsFingerprint(report.FingerprintText);
        int blocking = -1;
        for (int i = 0; i < report.Hits.Length; i++)
        {
            DetectionMode mode = Mode(security, report.Hits[i].Rule);
            if (mode == DetectionMode.Off) continue;
            if (i < 64) monitored |= 1UL << i;
            if (mode == DetectionMode.Block && blocking < 0 && !excepted) blocking = i;
        }

        return blocking;
    }

    /// <summary>What a policy does with what a rule finds: by the rule's name, its category, or its grade under <c>default</c>.</summary>
    /// <param name="security">The policy.</param>
    /// <param name="rule">The rule.</param>
    public static DetectionMode Mode(DbSecurity security, FirewallRule rule) => rule.Grade switch
    {
        RuleGrade.Named => security.Mode(rule.Category, rule.Name, DetectionMode.Off),
        RuleGrade.Trace => security.Mode(rule.Category, rule.Name, security.Mode("default", "default") == DetectionMode.Off ? DetectionMode.Off : DetectionMode.Monitor),
        _ => security.Mode(rule.Category, rule.Name),
    };

    private static Verdict Grants(StatementReport report, AccessRules rules, DateTimeOffset now, ulong monitored)
    {
        for (int i = 0; i < report.Tables.Length; i++)
        {
            TableUse table = report.Tables[i];
            if (rules.Allows(table.Actions, table.Schema, table.Name, now)) continue;
            // What the server shows everybody, drivers and tools read before their user has typed a word.
            if (table is { IsPublicCatalog: true, Actions: DbActions.Select } && rules.Any(now)) continue;
            return Lacking(report, table.Actions, i, rules, now, monitored);
        }

        if (report.GeneralActions == DbActions.None || rules.Allows(report.GeneralActions, now)) return new Verdict(RefusalReason.None, -1, -1, DbActions.None, monitored);
        return Lacking(report, report.GeneralActions, -1, rules, now, monitored);
    }

    private static Verdict Lacking(StatementReport report, DbActions wanted, int table, AccessRules rules, DateTimeOffset now, ulong monitored)
    {
        DbActions missing = DbActions.None;
        for (int bit = 1; bit <= (int)DbActions.Scripting; bit <<= 1)
        {
            var action = (DbActions)bit;
            if ((wanted & action) == 0) continue;
            bool granted = table < 0 ? rules.Allows(action, now) : rules.Allows(action, report.Tables[table].Schema, report.Tables[table].Name, now);
            if (!granted) missing |= action;
        }

        return new Verdict(report.Has(StatementTraits.Unreadable) ? RefusalReason.Unreadable : RefusalReason.NotGranted, -1, table, missing, monitored);
    }
}
