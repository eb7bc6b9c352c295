namespace MarchProxy.Control.Api.Schema;

/// <summary>Temporary access that is wanted.</summary>
public sealed record AccessRequest
{
    /// <summary>An account that gets a further secret for the time. Left out, a new account is made, which ends with the access.</summary>
    public string? Account { get; init; }

    /// <summary>The new account's name; left out, one is made up.</summary>
    public string? Name { get; init; }

    /// <summary>select, insert, update, delete, ddl, call, admin; for Redis read, write, scripting, admin. An account that exists has its own grants and needs none.</summary>
    public List<string>? Actions { get; init; }

    /// <summary>Patterns of tables, or of keys for Redis; left out for all.</summary>
    public List<string>? Tables { get; init; }

    /// <summary>For how long: 1 to 43200, which is 30 days.</summary>
    public int? Minutes { get; init; }

    /// <summary>Until when, instead.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>How often one may log in; 1 for once. Left out, as often as one likes.</summary>
    public int? MaxUses { get; init; }

    /// <summary>Where a new account may come from: networks.</summary>
    public List<string>? AllowFrom { get; init; }

    /// <summary>Why: it stands in the list and in the audit trail.</summary>
    public string? Reason { get; init; }
}

/// <summary>Temporary access that was given.</summary>
/// <param name="Id">Its name, to end it by.</param>
/// <param name="Account">Whom to log in as.</param>
/// <param name="Password">The secret; shown this once.</param>
/// <param name="ExpiresAt">Until when.</param>
/// <param name="Connections">How to connect, one for each listener that leads there: the secret is in them.</param>
public sealed record AccessGiven(string Id, string Account, string Password, DateTimeOffset ExpiresAt, IReadOnlyList<string> Connections);

/// <summary>Temporary access that there is.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Account">Whose.</param>
/// <param name="Actions">What it adds to the account's rights.</param>
/// <param name="Tables">On what.</param>
/// <param name="ExpiresAt">Until when.</param>
/// <param name="MaxUses">How often one may log in; 0 for no bound.</param>
/// <param name="Uses">How often somebody did, as far as planes have told; counted where it is bounded.</param>
/// <param name="State">active, expired or used-up.</param>
/// <param name="Reason">Why it was given.</param>
/// <param name="CreatedBy">By whom.</param>
/// <param name="CreatedAt">When.</param>
public sealed record AccessInfo(
    string Id, string Account, IReadOnlyList<string> Actions, IReadOnlyList<string> Tables, DateTimeOffset? ExpiresAt, int MaxUses, int Uses, string State, string Reason, string CreatedBy, DateTimeOffset? CreatedAt);

/// <summary>An API key that is wanted.</summary>
public sealed record KeyRequest
{
    /// <summary>Unique in its account; a DNS label.</summary>
    public required string Name { get; init; }

    /// <summary>When it ends; left out for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What it is for.</summary>
    public string? Reason { get; init; }
}

/// <summary>A new API key.</summary>
/// <param name="Account">The account.</param>
/// <param name="Name">The key's name.</param>
/// <param name="Key">The key, which is given as the account's password; shown this once.</param>
/// <param name="ExpiresAt">When it ends.</param>
public sealed record KeyGiven(string Account, string Name, string Key, DateTimeOffset? ExpiresAt);

/// <summary>What was used of databases. Fields that were not asked for by <c>by</c> are left out: the counts are sums over them.</summary>
/// <param name="Hour">The hour's beginning.</param>
/// <param name="Account">The account.</param>
/// <param name="Tenant">Whom the account's use is counted for; empty for nobody.</param>
/// <param name="Database">The database.</param>
/// <param name="Connections">Log-ins.</param>
/// <param name="Queries">Statements answered or refused.</param>
/// <param name="Denied">Of these, refused by the proxy.</param>
/// <param name="Rows">Rows returned or changed.</param>
/// <param name="BytesIn">Bytes from clients.</param>
/// <param name="BytesOut">Bytes to clients.</param>
public sealed record UsageInfo(
    DateTimeOffset? Hour, string? Account, string? Tenant, string? Database, long Connections, long Queries, long Denied, long Rows, long BytesIn, long BytesOut);

/// <summary>A role that is wanted on a database's server.</summary>
public sealed record ProvisionRequest
{
    /// <summary>The role's name, and the database's where one is made: lower-case letters, digits and underscores.</summary>
    public required string Name { get; init; }

    /// <summary>read (tables of the schema public, those to come too), write (the same with INSERT, UPDATE and DELETE), or database (a database of its own).</summary>
    public required string Template { get; init; }
}

/// <summary>A role that was made on a server.</summary>
/// <param name="Name">Whom to log in as, on the server itself.</param>
/// <param name="Password">Its password; shown this once.</param>
/// <param name="Host">The server.</param>
/// <param name="Port">Its port.</param>
/// <param name="Database">The database there.</param>
public sealed record ProvisionGiven(string Name, string Password, string Host, int Port, string Database);

/// <summary>A role that was made on a server.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Mark">By whom and when, as its comment on the server says.</param>
public sealed record ProvisionedInfo(string Name, string Mark);
