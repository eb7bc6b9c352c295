using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>Runs every detector over a text, in one walk over its tokens.</summary>
internal static class Detectors
{
    public static void Run(in DetectorContext c, ref HitList hits)
    {
        Faults(c, ref hits);
    }

    private static void Faults(in DetectorContext c, ref HitList hits)
    {
        if (c.TooLarge) hits.Add(FirewallRules.TooLarge, 0);
        if ((c.Faults & LexFault.AmbiguousComment) != 0) hits.Add(FirewallRules.AmbiguousComment, 0);
        if ((c.Faults & LexFault.NulByte) != 0) hits.Add(FirewallRules.NulByte, c.Text.IndexOf((byte)0));
        if ((c.Faults & LexFault.BrokenCharacter) != 0) hits.Add(FirewallRules.BrokenCharacter, 0);
        if (c.IsUnreadable) hits.Add(FirewallRules.Unreadable, 0);
    }
}
