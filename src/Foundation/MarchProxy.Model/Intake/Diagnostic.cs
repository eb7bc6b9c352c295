using System.Globalization;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>How bad a finding is.</summary>
public enum Severity
{
    /// <summary>It works, but should be looked at.</summary>
    Warning,

    /// <summary>It is refused.</summary>
    Error,
}

/// <summary>One finding in a resource file: where, which object and field, what is wrong and how to mend it.</summary>
/// <param name="Severity">How bad.</param>
/// <param name="Position">Where.</param>
/// <param name="Object">Which object: <c>mapping/billing-to-orders</c>; empty for the file.</param>
/// <param name="Field">Which field; empty for the object.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Mend">What to write instead.</param>
public sealed record Diagnostic(Severity Severity, SourcePosition Position, string Object, string Field, string Message, string Mend)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        string where = string.Create(CultureInfo.InvariantCulture, $"{Position.File}:{Position.Line}:{Position.Column}");
        string what = string.Join(' ', new[] { Object, Field }.Where(s => s.Length > 0));
        string mend = Mend.Length > 0 ? $"; {Mend}" : "";
        return $"{where}: {(Severity == Severity.Error ? "error" : "warning")}: {(what.Length > 0 ? what + ": " : "")}{Message}{mend}";
    }
}

/// <summary>The findings of one intake, in order.</summary>
public sealed class DiagnosticList
{
    private readonly List<Diagnostic> _items = [];

    /// <summary>More would not be read; a file that is wrong throughout is told so.</summary>
    private const int Most = 200;

    /// <summary>The findings.</summary>
    public IReadOnlyList<Diagnostic> Items => _items;

    /// <summary>Whether one of them is an error.</summary>
    public bool HasErrors { get; private set; }

    /// <summary>Adds an error.</summary>
    public void Error(SourcePosition position, string subject, string field, string message, string mend = "") =>
        Add(new Diagnostic(Severity.Error, position, subject, field, message, mend));

    /// <summary>Adds a warning.</summary>
    public void Warning(SourcePosition position, string subject, string field, string message, string mend = "") =>
        Add(new Diagnostic(Severity.Warning, position, subject, field, message, mend));

    private void Add(Diagnostic diagnostic)
    {
        HasErrors |= diagnostic.Severity == Severity.Error;
        if (_items.Count < Most) _items.Add(diagnostic);
    }
}
