using System.Collections.Immutable;
using System.Globalization;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>
/// Reads the fields of one map by name and type. Each reading notes the name, so that <see cref="Finish"/> knows every field that the object
/// could have and can tell what an unknown one was meant to be.
/// </summary>
internal sealed class FieldReader
{
    private readonly MapNode _map;
    private readonly IntakeContext _context;
    private readonly string _prefix;
    private readonly HashSet<string> _known = [];

    public FieldReader(MapNode map, IntakeContext context, string subject, string prefix = "")
    {
        _map = map;
        _context = context;
        Subject = subject;
        _prefix = prefix;
    }

    /// <summary>The object as messages name it; set once its name is known.</summary>
    public string Subject { get; set; }

    public SourcePosition Position => _map.Position;

    public Node? Find(string field)
    {
        _known.Add(field);
        foreach ((ScalarNode key, Node value) in _map.Entries)
        {
            if (key.Value == field) return value is ScalarNode { IsNull: true } ? null : value;
        }

        return null;
    }

    public string Text(string field, string otherwise = "")
    {
        switch (Find(field))
        {
            case null:
                return otherwise;
            case ScalarNode scalar:
                return scalar.Value;
            case { } node:
                Wrong(node, field, "is not a single value");
                return otherwise;
        }
    }

    public long Number(string field, long otherwise, long least, long most)
    {
        Node? node = Find(field);
        if (node is null) return otherwise;
        if (node is ScalarNode scalar && long.TryParse(scalar.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            && value >= least && value <= most) return value;
        Wrong(node, field, $"{Shown(node)} is not a whole number from {least} to {most}");
        return otherwise;
    }

    /// <summary>A number of bytes: 64k, 1m, 2g, or plain.</summary>
    public long Bytes(string field, long otherwise, long least, long most)
    {
        Node? node = Find(field);
        if (node is null) return otherwise;
        if (node is ScalarNode { Value: { Length: > 0 } text })
        {
            int shift = text[^1] switch { 'k' or 'K' => 10, 'm' or 'M' => 20, 'g' or 'G' => 30, _ => 0 };
            bool read = long.TryParse(shift > 0 ? text.AsSpan(0, text.Length - 1) : text, NumberStyles.None, CultureInfo.InvariantCulture, out long value);
            if (read && value <= most >> shift && value << shift >= least) return value << shift;
        }

        Wrong(node, field, $"{Shown(node)} is not a number of bytes from {least} to {most}", "write 64k, 1m, or a plain number");
        return otherwise;
    }

    public bool Flag(string field, bool otherwise) => Choice(field, otherwise, ("true", true), ("false", false));

    public TimeSpan Duration(string field)
    {
        Node? node = Find(field);
        if (node is null) return TimeSpan.Zero;
        if (node is ScalarNode scalar && TryDuration(scalar.Value, out TimeSpan duration)) return duration;
        Wrong(node, field, $"{Shown(node)} is not a duration", "write 500ms, 30s, 5m or 2h; a plain number is seconds");
        return TimeSpan.Zero;
    }

    public DateTimeOffset? Time(string field)
    {
        Node? node = Find(field);
        if (node is null) return null;
        if (node is ScalarNode scalar
            && DateTimeOffset.TryParse(scalar.Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)) return time.ToUniversalTime();
        Wrong(node, field, $"{Shown(node)} is not a time", "write it as 2027-01-31T12:00:00Z");
        return null;
    }

    public T Choice<T>(string field, T otherwise, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        Node? node = Find(field);
        if (node is null) return otherwise;
        if (node is ScalarNode scalar)
        {
            foreach ((string name, T value) in choices)
            {
                if (name == scalar.Value) return value;
            }
        }

        var names = new List<string>();
        foreach ((string name, T _) in choices) names.Add(name);
        string? near = node is ScalarNode s ? Suggestion.For(s.Value, names) : null;
        Wrong(node, field, $"{Shown(node)} is not known", near is null ? $"write {string.Join(", ", names)}" : $"did you mean {near}?");
        return otherwise;
    }

    public ImmutableArray<string> Texts(string field)
    {
        var result = ImmutableArray.CreateBuilder<string>();
        foreach (Node item in Items(field))
        {
            if (item is ScalarNode scalar) result.Add(scalar.Value);
            else Wrong(item, field, "is not a list of single values");
        }

        return result.ToImmutable();
    }

    /// <summary>The items of a list; a single value stands for a list of one.</summary>
    public IReadOnlyList<Node> Items(string field) => Find(field) switch
    {
        null => [],
        ListNode list => list.Items,
        { } single => [single],
    };

    /// <summary>A map inside, or null.</summary>
    public FieldReader? Map(string field)
    {
        Node? node = Find(field);
        if (node is MapNode map) return Nested(map, field);
        if (node is not null) Wrong(node, field, "is not a map of fields", "write its fields indented below it, or in { }");
        return null;
    }

    public FieldReader Nested(MapNode map, string field) => new(map, _context, Subject, _prefix + field + ".");

    /// <summary>The entries of a map whose keys are free.</summary>
    public IEnumerable<(ScalarNode Key, Node Value)> Entries(string field)
    {
        Node? node = Find(field);
        if (node is MapNode map) return map.Entries;
        if (node is not null) Wrong(node, field, "is not a map");
        return [];
    }

    /// <summary>A secret: <c>env:NAME</c>, <c>file:PATH</c>, or a literal, which is warned about.</summary>
    public string? Secret(string field, bool literalIsFine = false)
    {
        if (Find(field) is not { } node) return null;
        if (node is not ScalarNode scalar)
        {
            Wrong(node, field, "is not a single value");
            return null;
        }

        string text = scalar.Value;
        if (text.StartsWith("env:", StringComparison.Ordinal))
        {
            string? value = _context.Secrets.FromEnvironment(text[4..]);
            if (string.IsNullOrEmpty(value)) Wrong(node, field, $"the environment has no {text[4..]}", $"export {text[4..]}=... before this command");
            return value;
        }

        if (text.StartsWith("file:", StringComparison.Ordinal))
        {
            string? value = _context.Secrets.FromFile(text[5..]);
            if (value is null) Wrong(node, field, $"the file {text[5..]} cannot be read", "check its path, relative to this file, and its rights");
            return value;
        }

        if (!literalIsFine) _context.Diagnostics.Warning(node.Position, Subject, _prefix + field, "a secret stands in the file itself", "write env:NAME or file:PATH");
        return text;
    }

    public void Wrong(Node node, string field, string message, string mend = "") =>
        _context.Diagnostics.Error(node.Position, Subject, _prefix + field, message, mend);

    public void Missing(string field, string mend) => _context.Diagnostics.Error(_map.Position, Subject, _prefix + field, "is missing", mend);

    /// <summary>Reports every field that nobody asked for.</summary>
    public void Finish()
    {
        foreach ((ScalarNode key, Node _) in _map.Entries)
        {
            if (_known.Contains(key.Value)) continue;
            string? near = Suggestion.For(key.Value, _known);
            _context.Diagnostics.Error(
                key.Position, Subject, _prefix + key.Value, "is not a field of this object",
                near is null ? $"it has {string.Join(", ", _known.Order())}" : $"did you mean {near}?");
        }
    }

    public static string Shown(Node node) => node is ScalarNode scalar ? $"\"{(scalar.Value.Length > 60 ? scalar.Value[..60] + "..." : scalar.Value)}\"" : "this";

    private static bool TryDuration(string text, out TimeSpan duration)
    {
        duration = default;
        (string number, double unit) = text switch
        {
            _ when text.EndsWith("ms", StringComparison.Ordinal) => (text[..^2], 0.001),
            _ when text.EndsWith('s') => (text[..^1], 1),
            _ when text.EndsWith('m') => (text[..^1], 60),
            _ when text.EndsWith('h') => (text[..^1], 3600),
            _ when text.EndsWith('d') => (text[..^1], 86400),
            _ => (text, 1),
        };
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)) return false;
        double seconds = value * unit;
        if (!(seconds <= TimeSpan.FromDays(3650).TotalSeconds)) return false;
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }
}
