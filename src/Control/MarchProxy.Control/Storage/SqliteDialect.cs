using System.Data.Common;
using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace MarchProxy.Control.Storage;

/// <summary>SQLite by the system's own library, in WAL mode: readers never wait for the writer, a commit is on the disk before it is told.</summary>
internal sealed class SqliteDialect : Dialect
{
    private readonly string _file;
    private readonly string _connectionString;

    static SqliteDialect()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
    }

    public SqliteDialect(string file)
    {
        _file = Path.GetFullPath(file);
        _connectionString = new SqliteConnectionStringBuilder { DataSource = _file, Mode = SqliteOpenMode.ReadWriteCreate, ForeignKeys = true, DefaultTimeout = 10 }.ToString();
    }

    public override string Description => "sqlite " + _file;

    public override string IdentityColumn => "INTEGER PRIMARY KEY AUTOINCREMENT";

    public override string BytesType => "BLOB";

    public override string ForUpdate => "";

    public override async Task<DbConnection> OpenAsync(CancellationToken cancellation)
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            await connection.OpenAsync(cancellation);
            await using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000;";
            await command.ExecuteNonQueryAsync(cancellation);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public override Task<DbTransaction> BeginWriteAsync(DbConnection connection, CancellationToken cancellation) =>
        Task.FromResult<DbTransaction>(((SqliteConnection)connection).BeginTransaction(deferred: false));

    public override Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellation) =>
        Task.FromResult<DbTransaction>(((SqliteConnection)connection).BeginTransaction(deferred: true));

    /// <summary>A write transaction of SQLite is alone already.</summary>
    public override Task LockMigrationsAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellation) => Task.CompletedTask;

    public override StoreException? Explain(Exception e) => e is not SqliteException sqlite
        ? null
        : new StoreException(
            sqlite.SqliteErrorCode switch
            {
                raw.SQLITE_CANTOPEN => $"The database {_file} cannot be opened; check that its folder exists and may be written by this user.",
                raw.SQLITE_READONLY or raw.SQLITE_PERM => $"The database {_file} cannot be written; check the rights of the file and of its folder.",
                raw.SQLITE_FULL => $"The disk of {_file} is full; nothing of the edit was kept. Free some space and try again.",
                raw.SQLITE_BUSY or raw.SQLITE_LOCKED => $"The database {_file} is locked by another process; stop that one, or try again.",
                raw.SQLITE_NOTADB or raw.SQLITE_CORRUPT => $"{_file} is not a whole SQLite database; restore it with marchproxy db restore.",
                _ => $"The database {_file}: {sqlite.Message}",
            },
            e);

    public override ValueTask DisposeAsync()
    {
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
        return ValueTask.CompletedTask;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != "e_sqlite3") return 0;
        return NativeLibrary.TryLoad("libsqlite3.so.0", out nint handle)
            ? handle
            : throw new StoreException("The system's SQLite library libsqlite3.so.0 is not there; install the package libsqlite3-0, or use PostgreSQL (DB_TYPE=postgresql).");
    }
}
