using System.Data.Common;

namespace MarchProxy.Control.Storage;

/// <summary>Where databases differ.</summary>
internal abstract class Dialect : IAsyncDisposable
{
    public abstract string Description { get; }

    /// <summary>A column that numbers its rows.</summary>
    public abstract string IdentityColumn { get; }

    /// <summary>A column of bytes.</summary>
    public abstract string BytesType { get; }

    /// <summary>After a SELECT that must keep others from changing what it read.</summary>
    public abstract string ForUpdate { get; }

    public abstract Task<DbConnection> OpenAsync(CancellationToken cancellation);

    /// <summary>Begins a transaction that will write.</summary>
    public abstract Task<DbTransaction> BeginWriteAsync(DbConnection connection, CancellationToken cancellation);

    /// <summary>Begins a transaction whose reads belong to one moment.</summary>
    public abstract Task<DbTransaction> BeginReadAsync(DbConnection connection, CancellationToken cancellation);

    /// <summary>Keeps another process from migrating at the same time; within a write transaction.</summary>
    public abstract Task LockMigrationsAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellation);

    /// <summary>What an exception of the driver means, with the mend; null when it is none of the driver's.</summary>
    public abstract StoreException? Explain(Exception e);

    public abstract ValueTask DisposeAsync();
}
