namespace ArticDbm.Proxy.Admin;

/// <summary>The connections of one database: of its clients, and to one of its servers.</summary>
/// <param name="Database">The database.</param>
/// <param name="Engine">Its engine.</param>
/// <param name="Server">HOST:PORT.</param>
/// <param name="Role">primary or replica.</param>
/// <param name="User">Whom we log in as.</param>
/// <param name="Mode">session, transaction or statement.</param>
/// <param name="ClientsActive">Clients of the database that hold a connection to this server.</param>
/// <param name="ClientsIdle">Clients of the database that hold none and wait for none.</param>
/// <param name="ClientsWaiting">Clients that wait for a connection to this server.</param>
/// <param name="ServersActive">Connections that are lent.</param>
/// <param name="ServersIdle">Connections that are free.</param>
/// <param name="Limit">Connections that there may be.</param>
/// <param name="MaxWaitMicros">How long the first of the queue has waited.</param>
/// <param name="Paused">Whether nobody is lent one.</param>
/// <param name="Fault">Why the server could not be had; null when it could.</param>
public sealed record DbPoolView(
    string Database, string Engine, string Server, string Role, string User, string Mode, int ClientsActive, int ClientsIdle, int ClientsWaiting, int ServersActive, int ServersIdle, int Limit,
    long MaxWaitMicros, bool Paused, string? Fault);

/// <summary>A client that has logged in.</summary>
/// <param name="Id">Its number in this process, to end it by.</param>
/// <param name="Account">Who it is.</param>
/// <param name="Key">The key that it came by; null for the password.</param>
/// <param name="Database">Where it is.</param>
/// <param name="Engine">The engine.</param>
/// <param name="State">active (a server connection is lent to it), waiting (for one) or idle.</param>
/// <param name="Client">Its address and port.</param>
/// <param name="Listener">By which listener it came.</param>
/// <param name="Server">The server that works for it; null for none.</param>
/// <param name="ConnectedAt">Since when.</param>
/// <param name="Tls">Whether it came by TLS.</param>
/// <param name="Application">What it calls itself.</param>
public sealed record DbClientView(
    long Id, string Account, string? Key, string Database, string Engine, string State, string Client, string Listener, string? Server, DateTimeOffset ConnectedAt, bool Tls, string Application);

/// <summary>A connection to a server.</summary>
/// <param name="Database">Whose.</param>
/// <param name="User">Whom it is logged in as.</param>
/// <param name="Server">HOST:PORT.</param>
/// <param name="State">active or idle.</param>
/// <param name="Local">Our end of it.</param>
/// <param name="AgeMs">How old it is.</param>
/// <param name="Tls">Whether it is encrypted.</param>
/// <param name="Client">The client that it works for; null for none.</param>
public sealed record DbServerView(string Database, string User, string Server, string State, string Local, long AgeMs, bool Tls, long? Client);

/// <summary>What passed through a database since the process began. Times are in microseconds.</summary>
/// <param name="Database">The database.</param>
/// <param name="Transactions">Transactions that ended; statements by themselves are such.</param>
/// <param name="Queries">Statements answered.</param>
/// <param name="BytesIn">From clients.</param>
/// <param name="BytesOut">To clients.</param>
/// <param name="TransactionMicros">From a transaction's first statement to its end.</param>
/// <param name="QueryMicros">From a statement's arrival to the end of its answer.</param>
/// <param name="WaitMicros">Time spent in the queue for a server connection.</param>
public sealed record DbStatsView(string Database, long Transactions, long Queries, long BytesIn, long BytesOut, long TransactionMicros, long QueryMicros, long WaitMicros);
