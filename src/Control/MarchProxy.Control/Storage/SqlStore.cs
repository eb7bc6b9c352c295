using System.Data.Common;
using System.Globalization;

namespace MarchProxy.Control.Storage;

/// <summary>The store in SQL, as both databases speak it.</summary>
internal sealed partial class SqlStore(Dialect dialect) : IControlStore
{
    /// <summary>Versions kept of each cluster.</summary>
    private const int KeptSnapshots = 100;

    /// <summary>One writer at a time in this process: they would wait for each other in the database anyway.</summary>
    private readonly SemaphoreSlim _writing = new(1, 1);

    public string Description => dialect.Description;

    public async ValueTask DisposeAsync()
    {
        _writing.Dispose();
        await dialect.DisposeAsync();
    }

    /// <summary>Reads rows on a connection of its own.</summary>
    private Task<List<T>> ReadAsync<T>(string sql, Func<DbDataReader, T> row, CancellationToken cancellation, params (string Name, object? Value)[] parameters) =>
        GuardAsync(async () =>
        {
            await using DbConnection connection = await dialect.OpenAsync(cancellation);
            return await RowsAsync(connection, null, sql, row, cancellation, parameters);
        });

    /// <summary>Runs one statement by itself.</summary>
    private Task<int> WriteAsync(string sql, CancellationToken cancellation, params (string Name, object? Value)[] parameters) => TransactAsync(
        (connection, transaction) => ExecuteAsync(connection, transaction, sql, cancellation, parameters), cancellation);

    /// <summary>Runs work in a transaction that is kept when the work returns and undone when it throws.</summary>
    private Task<T> TransactAsync<T>(Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellation) => GuardAsync(async () =>
    {
        await _writing.WaitAsync(cancellation);
        try
        {
            await using DbConnection connection = await dialect.OpenAsync(cancellation);
            DbTransaction transaction = await dialect.BeginWriteAsync(connection, cancellation);
            try
            {
                T result = await work(connection, transaction);
                await transaction.CommitAsync(cancellation);
                await transaction.DisposeAsync();
                return result;
            }
            catch
            {
                await UndoAsync(connection, transaction);
                throw;
            }
        }
        finally
        {
            _writing.Release();
        }
    });

    /// <summary>
    /// A transaction that the database has undone by itself (its disk is full, it is gone) cannot be undone again: the first fault is the one to tell. SQLite's driver
    /// keeps such a transaction on its connection until an undoing succeeds, so it gets an empty one to undo.
    /// </summary>
    private static async Task UndoAsync(DbConnection connection, DbTransaction transaction)
    {
        try
        {
            await transaction.DisposeAsync();
        }
        catch (DbException)
        {
            try
            {
                await ExecuteAsync(connection, transaction, "BEGIN", CancellationToken.None);
                await transaction.DisposeAsync();
            }
            catch (DbException)
            {
                // What matters is on its way up.
            }
        }
    }

    private async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (dialect.Explain(e) is not null)
        {
            throw dialect.Explain(e)!;
        }
    }

    private static async Task<List<T>> RowsAsync<T>(
        DbConnection connection, DbTransaction? transaction, string sql, Func<DbDataReader, T> row, CancellationToken cancellation, params (string Name, object? Value)[] parameters)
    {
        await using DbCommand command = Command(connection, transaction, sql, parameters);
        await using DbDataReader reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellation)) rows.Add(row(reader));
        return rows;
    }

    private static async Task<int> ExecuteAsync(
        DbConnection connection, DbTransaction? transaction, string sql, CancellationToken cancellation, params (string Name, object? Value)[] parameters)
    {
        await using DbCommand command = Command(connection, transaction, sql, parameters);
        return await command.ExecuteNonQueryAsync(cancellation);
    }

    private static async Task<long> NumberAsync(
        DbConnection connection, DbTransaction? transaction, string sql, CancellationToken cancellation, params (string Name, object? Value)[] parameters)
    {
        await using DbCommand command = Command(connection, transaction, sql, parameters);
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellation), CultureInfo.InvariantCulture);
    }

    private static DbCommand Command(DbConnection connection, DbTransaction? transaction, string sql, (string Name, object? Value)[] parameters)
    {
        DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach ((string name, object? value) in parameters)
        {
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.Value = value switch
            {
                null => DBNull.Value,
                DateTimeOffset time => Micros(time),
                bool flag => flag ? 1L : 0L,
                int number => (long)number,
                _ => value,
            };

            // PostgreSQL must know the type of a null too.
            if (value is null) parameter.DbType = name.EndsWith("_at", StringComparison.Ordinal) || name.EndsWith("_until", StringComparison.Ordinal) ? System.Data.DbType.Int64 : System.Data.DbType.String;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>Times are kept as microseconds since 1970 in UTC: the same in both databases, sortable, without a time zone to get wrong.</summary>
    private static long Micros(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static DateTimeOffset Time(DbDataReader row, int column) => DateTimeOffset.UnixEpoch.AddTicks(row.GetInt64(column) * TimeSpan.TicksPerMicrosecond);

    private static DateTimeOffset? MaybeTime(DbDataReader row, int column) => row.IsDBNull(column) ? null : Time(row, column);

    private static string? MaybeText(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static byte[] Bytes(DbDataReader row, int column) => (byte[])row.GetValue(column);
}
