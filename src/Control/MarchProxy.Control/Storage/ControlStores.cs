namespace MarchProxy.Control.Storage;

/// <summary>Which database keeps the manager's state.</summary>
public sealed record StoreOptions
{
    /// <summary>sqlite (default) or postgresql; DB_TYPE.</summary>
    public string Type { get; init; } = "sqlite";

    /// <summary>Of PostgreSQL: postgres://USER:PASSWORD@HOST:PORT/DATABASE, or Npgsql's own form; DATABASE_URL.</summary>
    public string? Url { get; init; }

    /// <summary>The file of SQLite.</summary>
    public string? File { get; init; }
}

/// <summary>Opens stores.</summary>
public static class ControlStores
{
    /// <summary>Opens a store; nothing is read or written yet.</summary>
    /// <param name="options">Which.</param>
    /// <exception cref="StoreException">The options do not name a store.</exception>
    public static IControlStore Open(StoreOptions options) => options.Type switch
    {
        "sqlite" => new SqlStore(new SqliteDialect(options.File ?? throw new StoreException("SQLite needs a file; name the data folder with --data."))),
        "postgresql" or "postgres" => new SqlStore(new PostgresDialect(options.Url ?? throw new StoreException("PostgreSQL needs DATABASE_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE."))),
        _ => throw new StoreException($"DB_TYPE {options.Type} is not known; write sqlite or postgresql."),
    };
}
