using ArticDbm.Security.Rules;

namespace ArticDbm.Security;

/// <summary>
/// Looks at a parameter of a prepared statement. It is data whatever is in it, and cannot change the statement; what is found is to be counted and logged, never refused. Off unless
/// somebody wants it: it costs some microseconds for each text that holds a quote or an operator.
/// </summary>
public static class ParameterCheck
{
    /// <summary>The rule that finds something in a parameter's text, or null.</summary>
    /// <param name="dialect">The dialect.</param>
    /// <param name="utf8">The parameter, as text.</param>
    public static FirewallRule? Find(SqlDialect dialect, ReadOnlySpan<byte> utf8)
    {
        if (LiteralDetectors.IsShell(utf8)) return FirewallRules.ShellFragment;
        return LiteralProbe.Finds(dialect, utf8) ? FirewallRules.LiteralProbe : null;
    }
}
