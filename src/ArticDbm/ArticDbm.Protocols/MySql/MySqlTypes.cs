namespace ArticDbm.Protocols.MySql;

/// <summary>What either side can do (documentation, "Capabilities Flags"); what both can is spoken.</summary>
[Flags]
public enum MySqlCapabilities : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>CLIENT_LONG_PASSWORD; MariaDB reads it as "is MySQL": without it, MariaDB's own capabilities follow.</summary>
    LongPassword = 1,

    /// <summary>Affected rows are those found, not those changed.</summary>
    FoundRows = 1 << 1,

    /// <summary>CLIENT_LONG_FLAG.</summary>
    LongFlag = 1 << 2,

    /// <summary>The log-in names a database.</summary>
    ConnectWithDb = 1 << 3,

    /// <summary>Compressed packets by zlib.</summary>
    Compress = 1 << 5,

    /// <summary>LOAD DATA LOCAL: the server may ask the client for a file.</summary>
    LocalFiles = 1 << 7,

    /// <summary>The protocol since 4.1.</summary>
    Protocol41 = 1 << 9,

    /// <summary>The client is a person's: other time-outs.</summary>
    Interactive = 1 << 10,

    /// <summary>TLS follows the short log-in.</summary>
    Ssl = 1 << 11,

    /// <summary>Status flags tell of transactions.</summary>
    Transactions = 1 << 13,

    /// <summary>The authentication since 4.1.</summary>
    SecureConnection = 1 << 15,

    /// <summary>Several statements in one text.</summary>
    MultiStatements = 1 << 16,

    /// <summary>Several results of one text.</summary>
    MultiResults = 1 << 17,

    /// <summary>Several results of one prepared statement.</summary>
    PsMultiResults = 1 << 18,

    /// <summary>The way to log in is named.</summary>
    PluginAuth = 1 << 19,

    /// <summary>The log-in tells what the client is.</summary>
    ConnectAttributes = 1 << 20,

    /// <summary>The log-in's answer has a length of any size.</summary>
    PluginAuthLenEnc = 1 << 21,

    /// <summary>OK packets tell what has changed in the session.</summary>
    SessionTrack = 1 << 23,

    /// <summary>OK packets instead of EOF packets.</summary>
    DeprecateEof = 1 << 24,
}

/// <summary>What OK and EOF packets tell of the session.</summary>
[Flags]
public enum MySqlStatus : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A transaction is open.</summary>
    InTransaction = 0x0001,

    /// <summary>Each statement is a transaction.</summary>
    AutoCommit = 0x0002,

    /// <summary>Another result follows.</summary>
    MoreResults = 0x0008,

    /// <summary>A cursor is open: rows are to be fetched.</summary>
    CursorExists = 0x0040,

    /// <summary>The cursor has no more rows.</summary>
    LastRowSent = 0x0080,

    /// <summary>A backslash is a character as any other.</summary>
    NoBackslashEscapes = 0x0200,

    /// <summary>The open transaction only reads.</summary>
    InReadOnlyTransaction = 0x2000,

    /// <summary>Changes of the session's state follow.</summary>
    SessionStateChanged = 0x4000,
}

/// <summary>The first byte of a client's packet: what it wants.</summary>
public static class MySqlCommand
{
    /// <summary>The client leaves.</summary>
    public const byte Quit = 0x01;

    /// <summary>Another default database.</summary>
    public const byte InitDb = 0x02;

    /// <summary>A text.</summary>
    public const byte Query = 0x03;

    /// <summary>The columns of a table.</summary>
    public const byte FieldList = 0x04;

    /// <summary>A line of figures.</summary>
    public const byte Statistics = 0x09;

    /// <summary>End another connection.</summary>
    public const byte ProcessKill = 0x0C;

    /// <summary>Is the server there.</summary>
    public const byte Ping = 0x0E;

    /// <summary>Log in anew.</summary>
    public const byte ChangeUser = 0x11;

    /// <summary>Prepare a statement.</summary>
    public const byte StmtPrepare = 0x16;

    /// <summary>Run a prepared statement.</summary>
    public const byte StmtExecute = 0x17;

    /// <summary>A piece of a parameter; not answered.</summary>
    public const byte StmtSendLongData = 0x18;

    /// <summary>Forget a prepared statement; not answered.</summary>
    public const byte StmtClose = 0x19;

    /// <summary>Forget a prepared statement's parameters and cursor.</summary>
    public const byte StmtReset = 0x1A;

    /// <summary>Several statements in one text, or not.</summary>
    public const byte SetOption = 0x1B;

    /// <summary>Rows of a cursor.</summary>
    public const byte StmtFetch = 0x1C;

    /// <summary>Back to how the session was at its log-in.</summary>
    public const byte ResetConnection = 0x1F;
}
