using ArticDbm.Security;

namespace ArticDbm.Proxy.Sessions;

/// <summary>Why a statement does not run.</summary>
/// <param name="Reason">The reason code of the log line and the metric.</param>
/// <param name="Message">What the client is told.</param>
/// <param name="Rule">The firewall's rule, or null.</param>
/// <param name="Report">What was read of the statement, or null.</param>
internal readonly record struct Refused(string Reason, string Message, string? Rule, StatementReport? Report)
{
    /// <summary>Reason, rule and fingerprint, for protocols whose errors have room for it.</summary>
    public string Detail => Rule is null
        ? $"marchproxy: {Reason}{(Report is { } report ? "; fingerprint " + report.FingerprintText : "")}"
        : $"marchproxy: {Reason}, rule {Rule}; fingerprint {Report?.FingerprintText}";
}
