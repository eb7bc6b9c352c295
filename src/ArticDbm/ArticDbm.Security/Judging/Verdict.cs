using MarchProxy.Model.Resources;

namespace ArticDbm.Security;

/// <summary>Why a statement was refused.</summary>
public enum RefusalReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>A grant lacks.</summary>
    NotGranted,

    /// <summary>It names a blocked object, and the account does not hold admin on it.</summary>
    BlockedObject,

    /// <summary>A rule found an attack.</summary>
    Injection,

    /// <summary>A rule that the policy names forbids it.</summary>
    Forbidden,

    /// <summary>It could not be read soundly, and the account does not hold every action.</summary>
    Unreadable,
}

/// <summary>What is to be done with a statement. Costs no allocation; the words for people are made when they are asked for.</summary>
/// <param name="Reason">Why it is refused, or none.</param>
/// <param name="Hit">The hit that refused it, among <see cref="StatementReport.Hits"/>; -1 for none.</param>
/// <param name="Table">The table that refused it, among <see cref="StatementReport.Tables"/>; -1 for none.</param>
/// <param name="Missing">The actions that lack.</param>
/// <param name="Monitored">A bit for each hit that is to be counted and logged, refused or not.</param>
public readonly record struct Verdict(RefusalReason Reason, int Hit, int Table, DbActions Missing, ulong Monitored)
{
    /// <summary>Whether it may run.</summary>
    public bool IsAllowed => Reason == RefusalReason.None;

    /// <summary>The reason as logs, metrics and error messages write it: stable.</summary>
    public string Code => Reason switch
    {
        RefusalReason.NotGranted => "not-granted",
        RefusalReason.BlockedObject => "blocked-object",
        RefusalReason.Injection => "injection",
        RefusalReason.Forbidden => "forbidden",
        RefusalReason.Unreadable => "unreadable",
        _ => "allowed",
    };

    /// <summary>The rule that refused it, or null.</summary>
    /// <param name="report">What was judged.</param>
    public FirewallRule? Rule(StatementReport report) => Hit >= 0 ? report.Hits[Hit].Rule : null;

    /// <summary>Whether a hit is to be counted and logged.</summary>
    /// <param name="hit">Its place among <see cref="StatementReport.Hits"/>.</param>
    public bool IsMonitored(int hit) => hit < 64 && (Monitored & (1UL << hit)) != 0;

    /// <summary>A sentence for the operator: what, where, and the mend.</summary>
    /// <param name="report">What was judged.</param>
    public string Explain(StatementReport report) => Reason switch
    {
        RefusalReason.NotGranted when Table >= 0 => $"{Words(Missing)} on {report.Tables[Table]} is not granted; add a grant that names the table and {Words(Missing)}",
        RefusalReason.NotGranted => $"{Words(Missing)} is not granted; add a grant with {Words(Missing)}",
        RefusalReason.BlockedObject => $"{report.Tables[Table]} is a blocked object; it takes a grant with admin on it",
        RefusalReason.Injection => $"rule {report.Hits[Hit].Rule.Name} found {report.Hits[Hit].Rule.Finds}, at byte {report.Hits[Hit].Offset}; if it is yours, allow fingerprint {report.FingerprintText}",
        RefusalReason.Forbidden => $"the policy forbids by {report.Hits[Hit].Rule.Name}: {report.Hits[Hit].Rule.Finds}, at byte {report.Hits[Hit].Offset}",
        RefusalReason.Unreadable => "the statement could not be read soundly (an open quote, an odd parenthesis, a strange byte), so that it takes every action on every table",
        _ => "allowed",
    };

    private static string Words(DbActions actions) => actions.ToString().ToLowerInvariant();
}
