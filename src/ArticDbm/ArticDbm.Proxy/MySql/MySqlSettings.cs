using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ArticDbm.Security;

namespace ArticDbm.Proxy.MySql;

/// <summary>What a session has set, by the names that the server tells of. Never changed, and one object for the same content on a loop, so that "as wanted" is a comparison of references.</summary>
internal sealed class MySqlSettings
{
    /// <summary>The character set that we log in to servers with: utf8mb4_general_ci, which all of them know.</summary>
    public const byte Collation = 45;

    private const string UsualCharset = "utf8mb4", UsualCollation = "utf8mb4_general_ci";

    /// <summary>They tell of one statement or of the clock: to set them again elsewhere would be another thing.</summary>
    private static readonly string[] s_passing = ["timestamp", "insert_id", "rand_seed1", "rand_seed2", "pseudo_thread_id", "pseudo_slave_mode", "pseudo_replica_mode", "server_id", "gtid_next", "gtid_seq_no", "session_track_system_variables"];

    private static readonly string[] s_ofStatement = ["last_insert_id", "identity", "warning_count", "error_count"];

    private static readonly SearchValues<char> s_plain = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+.,:;/=@ ");

    public static readonly MySqlSettings None = new(ImmutableSortedDictionary<string, string>.Empty);

    private readonly ImmutableSortedDictionary<string, string> _values;

    private MySqlSettings(ImmutableSortedDictionary<string, string> values)
    {
        _values = values;
        var key = new StringBuilder();
        foreach ((string name, string value) in values) key.Append(name).Append('=').Append(value).Append('\0');
        Key = key.ToString();
    }

    /// <summary>The content as one text.</summary>
    public string Key { get; }

    public string? this[string name] => _values.GetValueOrDefault(name);

    public MySqlSettings With(string name, string value) => new(_values.SetItem(name, value));

    /// <summary>A variable that cannot follow a session to another connection.</summary>
    public static bool IsPassing(string name) => s_passing.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>A variable that belongs to the last statement and is of no account here.</summary>
    public static bool IsOfStatement(string name) => s_ofStatement.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>How quoted texts are read under a value of <c>sql_mode</c>.</summary>
    public static SqlQuoting Quoting(string mode) =>
        (mode.Contains("NO_BACKSLASH_ESCAPES", StringComparison.OrdinalIgnoreCase) ? SqlQuoting.NoBackslashEscapes : SqlQuoting.Usual)
        | (mode.Contains("ANSI_QUOTES", StringComparison.OrdinalIgnoreCase) ? SqlQuoting.AnsiQuotes : SqlQuoting.Usual);

    /// <summary>The statement that turns one session's settings into another's.</summary>
    public static string Difference(MySqlSettings now, MySqlSettings wanted)
    {
        var sql = new StringBuilder("SET ");
        void Add(string name, string value) => sql.Append(sql.Length > 4 ? ", " : "").Append(name.StartsWith("character_set", StringComparison.Ordinal) ? "" : "SESSION ").Append(name).Append(" = ").Append(value);
        foreach (string name in now._values.Keys)
        {
            if (!wanted._values.ContainsKey(name)) Add(name, name.StartsWith("character_set_", StringComparison.Ordinal) ? UsualCharset : name == "collation_connection" ? UsualCollation : "DEFAULT");
        }

        foreach ((string name, string value) in wanted._values)
        {
            if (now[name] != value || name == "collation_connection") Add(name, Literal(name, value));
        }

        return sql.ToString();
    }

    /// <summary>Numbers stay numbers: variables that are such take no texts.</summary>
    private static string Literal(string name, string value)
    {
        if (value.Length == 0 && name == "character_set_results") return "NULL";
        bool number = value.Length > 0 && (char.IsAsciiDigit(value[^1]) || value[^1] == '.') && decimal.TryParse(value, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out _);
        if (number && value[0] != '+') return value;

        // Where a quote or backslash is in it, in hexadecimal: no setting of the session changes how that is read.
        return value.AsSpan().ContainsAnyExcept(s_plain) ? "0x" + Convert.ToHexString(Encoding.UTF8.GetBytes(value)) : $"'{value}'";
    }
}
