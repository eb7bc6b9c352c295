namespace ArticDbm.Security;

/// <summary>A dialect of SQL: how its text falls into tokens, and what its statements are.</summary>
public enum SqlDialect
{
    /// <summary>PostgreSQL.</summary>
    PostgreSql,

    /// <summary>MySQL and MariaDB.</summary>
    MySql,

    /// <summary>Transact-SQL.</summary>
    TSql,
}

/// <summary>Session settings that change where a quoted text ends. A reader that is told another thing than the server does reads another statement than the server.</summary>
[Flags]
public enum SqlQuoting
{
    /// <summary>The dialect's usual rules.</summary>
    Usual = 0,

    /// <summary>PostgreSQL: a backslash escapes in plain strings (<c>standard_conforming_strings</c> is off).</summary>
    BackslashEscapes = 1,

    /// <summary>MySQL: a backslash is a character as any other (<c>sql_mode</c> has NO_BACKSLASH_ESCAPES).</summary>
    NoBackslashEscapes = 2,

    /// <summary>MySQL: double quotes enclose names (<c>sql_mode</c> has ANSI_QUOTES).</summary>
    AnsiQuotes = 4,
}
