using System.Collections.Frozen;
using ArticDbm.Protocols.Postgres;
using ArticDbm.Security;

namespace ArticDbm.Proxy.Postgres;

/// <summary>
/// Texts that do nothing but put a session back to its beginning, as clients' pools send them when a connection is returned. A session that holds no server connection has nothing
/// on any: it is answered here. They take nothing from anybody, so they need no grant.
/// </summary>
internal static class PgResets
{
    private const StatementTraits Resets = StatementTraits.SetSession | StatementTraits.SetRole | StatementTraits.DiscardAll | StatementTraits.Discard | StatementTraits.Unlisten | StatementTraits.AdvisoryLock | StatementTraits.SqlDeallocate;

    private static readonly FrozenDictionary<string, string> s_tags = new Dictionary<string, string>
    {
        ["discard all"] = "DISCARD ALL",
        ["discard sequences"] = "DISCARD SEQUENCES",
        ["discard temp"] = "DISCARD TEMP",
        ["discard temporary"] = "DISCARD TEMP",
        ["discard plans"] = "DISCARD PLANS",
        ["reset all"] = "RESET",
        ["reset role"] = "RESET",
        ["reset session authorization"] = "RESET",
        ["set session authorization default"] = "SET",
        ["set role none"] = "SET",
        ["close all"] = "CLOSE CURSOR ALL",
        ["unlisten *"] = "UNLISTEN",
        ["deallocate all"] = "DEALLOCATE ALL",
        ["select pg_advisory_unlock_all()"] = "SELECT 1",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The tags of a text's statements, in order; null when one of them is no reset.</summary>
    public static string[]? Find(StatementReport report)
    {
        if (!report.Has(Resets) || report.Has(StatementTraits.Unreadable)) return null;
        string[] parts = report.Normalised.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string[] tags = [.. parts.Select(p => s_tags.GetValueOrDefault(p, ""))];
        return tags.Length > 0 && !tags.Contains("") ? tags : null;
    }

    /// <summary>Writes what a server answers to them.</summary>
    public static void Answer(PgWriter reply, string[] tags)
    {
        foreach (string tag in tags)
        {
            if (tag == "SELECT 1")
            {
                // One column of type void (2278), one empty row.
                reply.Begin((byte)'T').Int16(1).Text("pg_advisory_unlock_all").Int32(0).Int16(0).Int32(2278).Int16(4).Int32(-1).Int16(0).End();
                reply.Begin((byte)'D').Int16(1).Int32(0).End();
            }

            reply.Begin(BackendMessage.CommandComplete).Text(tag).End();
        }
    }
}
