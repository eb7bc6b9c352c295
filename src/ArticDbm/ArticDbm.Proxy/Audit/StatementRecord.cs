using ArticDbm.Security;
using MarchProxy.Net;

namespace ArticDbm.Proxy.Audit;

/// <summary>What one statement or log-in was: the source of its canonical log line and of its metrics. Reused; texts are references to what lives on.</summary>
internal sealed class StatementRecord
{
    /// <summary>"statement", "login" or "session".</summary>
    public string Kind = "statement";

    public string Engine = "postgresql";
    public string Listener = "";
    public string Account = "";
    public string Tenant = "";
    public string Database = "";
    public Endpoint Client;

    /// <summary>The server that answered; empty when none was asked.</summary>
    public string Server = "";

    /// <summary>The statement's fingerprint, sixteen hexadecimal digits; empty when there is none.</summary>
    public string Fingerprint = "";

    /// <summary>What was read of the statement, for its folded text; null when it has no text.</summary>
    public StatementReport? Report;

    /// <summary>A command of the console, or the statement with its literals folded where that is wanted; empty when neither.</summary>
    public string Text = "";

    /// <summary>allow, deny or monitor.</summary>
    public string Decision = "allow";

    /// <summary>A reason code when it did not go well, else null.</summary>
    public string? Reason;

    /// <summary>The rule that found something, or null.</summary>
    public string? Rule;

    /// <summary>SQLSTATE of the server's error, or null.</summary>
    public string? SqlState;

    public long Rows;

    /// <summary>How many alike it stands for: engines with very short statements log them summed up.</summary>
    public long Count = 1;

    /// <summary>Stopwatch ticks.</summary>
    public long Started, Ended;

    /// <summary>Takes up what the statement is.</summary>
    public void Of(StatementReport? report)
    {
        Report = report;
        Fingerprint = report?.FingerprintText ?? "";
    }
}
