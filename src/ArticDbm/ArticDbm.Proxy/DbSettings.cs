namespace ArticDbm.Proxy;

/// <summary>The limits and timers of an ArticDBM process. Times are in milliseconds; every default says whose it matches or why.</summary>
public sealed record DbSettings
{
    /// <summary>The usual ones.</summary>
    public static DbSettings Default { get; } = new();

    /// <summary>For a client's log-in, from the accept. Default 15 s, PgBouncer's client_login_timeout being 60 and PostgreSQL's own 60: a connection that never finishes its handshake holds nothing for long.</summary>
    public long LoginMs { get; init; } = 15_000;

    /// <summary>For the next statement of an idle client. Default 0, without end, as PgBouncer's client_idle_timeout: applications keep pools of their own.</summary>
    public long ClientIdleMs { get; init; }

    /// <summary>Without any progress in sending to a client or a server. Default 60 s.</summary>
    public long StallMs { get; init; } = 60_000;

    /// <summary>For an answer to a statement. Default 0, without end: only the application knows how long its reports take.</summary>
    public long StatementMs { get; init; }

    /// <summary>For open sessions to end after the process was told to stop. Default 30 s, Kubernetes' grace period.</summary>
    public long DrainMs { get; init; } = 30_000;

    /// <summary>Client connections one loop serves at a time. Default 20,000.</summary>
    public int MaxConnectionsPerLoop { get; init; } = 20_000;

    /// <summary>Client connections that have not logged in yet, of one loop. Default 2,000: a flood of them must not crowd out those who have.</summary>
    public int MaxLoginsPerLoop { get; init; } = 2_000;

    /// <summary>Bytes of one statement's text. Default 16 MiB: above it nobody wrote it by hand, and all of it must be read to be judged.</summary>
    public int MaxStatementBytes { get; init; } = 16 << 20;

    /// <summary>Prepared statements one session may have. Default 5,000.</summary>
    public int MaxPreparedPerSession { get; init; } = 5_000;

    /// <summary>Prepared statements kept on one server connection. Default 500; the least used is closed for the next.</summary>
    public int MaxPreparedPerServer { get; init; } = 500;

    /// <summary>Whether lines of statements hold the text with its literals folded. Default false: fingerprints tell statements apart, and lines stay short.</summary>
    public bool LogText { get; init; }

    /// <summary>Event loops; zero for one a core.</summary>
    public int Loops { get; init; }
}
