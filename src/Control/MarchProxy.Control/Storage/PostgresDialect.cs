using System.Data;
using System.Data.Common;
using Npgsql;

namespace MarchProxy.Control.Storage;

/// <summary>PostgreSQL.</summary>
internal sealed class PostgresDialect : Dialect
{
    /// <summary>Of the advisory lock; any number that nobody else takes.</summary>
    private const long MigrationLock = 0x6d61726368;

    private readonly NpgsqlDataSource _source;

    public PostgresDialect(string url)
    {
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = url.Contains("://", StringComparison.Ordinal) ? FromUrl(url) : new NpgsqlConnectionStringBuilder(url);
        }
        catch (Exception e) when (e is UriFormatException or ArgumentException or FormatException or KeyNotFoundException)
        {
            throw new StoreException("DATABASE_URL cannot be read; write postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=require.", e);
        }

        builder.ApplicationName ??= "marchproxy";
        Description = $"postgresql {builder.Host}:{builder.Port}/{builder.Database}";
        _source = NpgsqlDataSource.Create(builder);
    }

    public override string Description { get; }

    public override string IdentityColumn => "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY";

    public override string BytesType => "BYTEA";

    public override string ForUpdate => " FOR UPDATE";

    public override async Task<DbConnection> OpenAsync(CancellationToken cancellation) => await _source.OpenConnectionAsync(cancellation);

    public override async Task<DbTransaction> BeginWriteAsync(DbConnection connection, CancellationToken cancellation) =>
        await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellation);

    public override async Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellation) =>
        await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);

    public override async Task LockMigrationsAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellation)
    {
        await using DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = $"SELECT pg_advisory_xact_lock({MigrationLock})";
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public override StoreException? Explain(Exception e) => e switch
    {
        PostgresException { SqlState: PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification } =>
            new StoreException($"{Description} refuses the user or password; check DATABASE_URL.", e),
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } => new StoreException($"{Description}: there is no such database; create it, or check DATABASE_URL.", e),
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } => new StoreException($"{Description}: the user may not do this; grant it the rights on the schema.", e),
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => new StoreException($"The disk of {Description} is full; nothing of the edit was kept. Free some space and try again.", e),
        PostgresException postgres => new StoreException($"{Description}: {postgres.MessageText}", e),
        NpgsqlException or TimeoutException or System.Net.Sockets.SocketException => new StoreException($"{Description} cannot be reached; check that it runs and DATABASE_URL. ({e.Message})", e),
        _ => null,
    };

    public override ValueTask DisposeAsync() => _source.DisposeAsync();

    private static NpgsqlConnectionStringBuilder FromUrl(string url)
    {
        var uri = new Uri(url);
        if (uri.Scheme is not ("postgres" or "postgresql")) throw new UriFormatException("not a postgres:// URL");
        string[] user = uri.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host,
            Port = uri.Port > 0 ? uri.Port : 5432,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
            Username = Uri.UnescapeDataString(user[0]),
            Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
        };
        foreach (string pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = pair.Split('=', 2);
            string value = Uri.UnescapeDataString(parts.Length > 1 ? parts[1] : "");
            if (parts[0] == "host") builder.Host = value;
            else builder[parts[0] == "sslmode" ? "SSL Mode" : parts[0]] = parts[0] == "sslmode" ? value.Replace("-", "", StringComparison.Ordinal) : value;
        }

        return builder;
    }
}
