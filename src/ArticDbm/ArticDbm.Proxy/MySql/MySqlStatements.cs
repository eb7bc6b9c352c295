using ArticDbm.Proxy.Config;
using ArticDbm.Security;

namespace ArticDbm.Proxy.MySql;

/// <summary>A statement that clients have prepared: the same text on the same database under the same settings is one, whoever prepared it.</summary>
/// <param name="Target">The database.</param>
/// <param name="Settings">Under which it is read.</param>
/// <param name="Text">The text.</param>
/// <param name="Report">What was read out of it.</param>
internal sealed record MySqlStatement(DbTarget Target, MySqlSettings Settings, byte[] Text, StatementReport Report)
{
    /// <summary>Its parameters.</summary>
    public int Parameters { get; set; }

    /// <summary>Its parameters and columns as a server described them; null until one did.</summary>
    public byte[][]? Definitions { get; set; }

    /// <inheritdoc/>
    public bool Equals(MySqlStatement? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}

/// <summary>A statement of one client's, under the number that we gave it.</summary>
internal sealed class MySqlClientStatement(MySqlStatement statement)
{
    public MySqlStatement Statement { get; set; } = statement;

    /// <summary>The types that it was bound with last: two bytes a parameter.</summary>
    public byte[] Types { get; set; } = [];

    /// <summary>Pieces of parameters that were sent ahead.</summary>
    public List<byte[]> LongData { get; } = [];

    /// <summary>The number on the server of an open cursor's statement; 0 for none.</summary>
    public uint Cursor { get; set; }
}

/// <summary>What one loop keeps for MySQL's protocol.</summary>
internal sealed class MySqlLoop
{
    /// <summary>Statements and settings known at a time: more than any application has shapes of.</summary>
    private const int Most = 10_000;

    private readonly Dictionary<Key, MySqlStatement> _known = [];
    private readonly Queue<Key> _order = new();
    private readonly Dictionary<string, MySqlSettings> _settings = new(StringComparer.Ordinal) { [""] = MySqlSettings.None };

    /// <summary>What was read out of statements; found by a hash that nobody outside can aim at.</summary>
    public StatementCache Statements { get; } = new(SqlDialect.MySql, seed: (ulong)Random.Shared.NextInt64());

    /// <summary>Whether the last client to log in wants rows counted that were found, not changed: connections are opened so, since they cannot be changed later.</summary>
    public bool FoundRows { get; set; }

    /// <summary>The one object for some settings.</summary>
    public MySqlSettings Same(MySqlSettings settings)
    {
        if (_settings.TryGetValue(settings.Key, out MySqlSettings? known)) return known;
        if (_settings.Count >= Most)
        {
            _settings.Clear();
            _settings[""] = MySqlSettings.None;
        }

        return _settings[settings.Key] = settings;
    }

    /// <summary>The statement of a text.</summary>
    public MySqlStatement Prepared(DbTarget target, MySqlSettings settings, ReadOnlySpan<byte> text, SqlQuoting quoting)
    {
        var key = new Key(target, settings, text.ToArray());
        if (_known.TryGetValue(key, out MySqlStatement? known)) return known;
        while (_known.Count >= Most && _order.TryDequeue(out Key oldest)) _known.Remove(oldest);
        _order.Enqueue(key);
        return _known[key] = new MySqlStatement(target, settings, key.Text, Statements.Get(text, quoting));
    }

    private readonly record struct Key(DbTarget Target, MySqlSettings Settings, byte[] Text)
    {
        public bool Equals(Key other) => ReferenceEquals(Target, other.Target) && ReferenceEquals(Settings, other.Settings) && Text.AsSpan().SequenceEqual(other.Text);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(Settings.Key, StringComparer.Ordinal);
            hash.AddBytes(Text);
            return hash.ToHashCode();
        }
    }
}
