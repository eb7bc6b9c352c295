using System.Data.Common;

namespace MarchProxy.Control.Storage;

/// <content>Resources, versions and the audit trail: what an edit writes.</content>
internal sealed partial class SqlStore
{
    private const string AuditColumns = "at, actor, source, action, cluster, kind, name, before_document, after_document, result";

    public Task<StoreState> LoadAsync(CancellationToken cancellation = default) => GuardAsync(async () =>
    {
        await using DbConnection connection = await dialect.OpenAsync(cancellation);
        await using DbTransaction transaction = await dialect.BeginReadAsync(connection, cancellation);
        long revision = await NumberAsync(connection, transaction, "SELECT number FROM revision", cancellation);
        List<StoredResource> resources = await RowsAsync(
            connection, transaction, "SELECT cluster, kind, name, document, etag, created_at, updated_at, updated_by FROM resources",
            row => new StoredResource(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), Time(row, 5), Time(row, 6), row.GetString(7)), cancellation);
        await transaction.CommitAsync(cancellation);
        return new StoreState(revision, resources);
    });

    public Task<long> RevisionAsync(CancellationToken cancellation = default) => GuardAsync(async () =>
    {
        await using DbConnection connection = await dialect.OpenAsync(cancellation);
        return await NumberAsync(connection, null, "SELECT number FROM revision", cancellation);
    });

    public Task<CommitResult> CommitAsync(StoreCommit commit, CancellationToken cancellation = default) => TransactAsync(
        async (connection, transaction) =>
        {
            long revision = await NumberAsync(connection, transaction, "SELECT number FROM revision" + dialect.ForUpdate, cancellation);
            if (revision != commit.ExpectedRevision) return new CommitResult(false, revision, []);
            foreach (ResourceKey key in commit.Delete)
            {
                await ExecuteAsync(
                    connection, transaction, "DELETE FROM resources WHERE cluster = @cluster AND kind = @kind AND name = @name", cancellation,
                    ("cluster", key.Cluster), ("kind", key.Kind), ("name", key.Name));
            }

            foreach (StoredResource resource in commit.Put) await PutAsync(connection, transaction, resource, cancellation);
            foreach (AuditRecord record in commit.Audit) await InsertAsync(connection, transaction, record, cancellation);
            var numbers = new List<long>();
            foreach (StoredSnapshot snapshot in commit.Snapshots) numbers.Add(await InsertAsync(connection, transaction, snapshot, cancellation));
            await ExecuteAsync(connection, transaction, "UPDATE revision SET number = @number", cancellation, ("number", revision + 1));
            return new CommitResult(true, revision + 1, numbers);
        },
        cancellation);

    public async Task<IReadOnlyList<StoredSnapshot>> SnapshotsAsync(string cluster, long? before, int limit, CancellationToken cancellation = default) => await ReadAsync(
        "SELECT cluster, number, version, author, created_at, comment, '' FROM snapshots WHERE cluster = @cluster AND number < @before ORDER BY number DESC LIMIT @limit",
        Snapshot, cancellation, ("cluster", cluster), ("before", before ?? long.MaxValue), ("limit", limit));

    public async Task<StoredSnapshot?> SnapshotAsync(string cluster, long number, CancellationToken cancellation = default) => (await ReadAsync(
        "SELECT cluster, number, version, author, created_at, comment, changes FROM snapshots WHERE cluster = @cluster AND number = @number",
        Snapshot, cancellation, ("cluster", cluster), ("number", number))).FirstOrDefault();

    public async Task<IReadOnlyList<AuditRecord>> AuditAsync(AuditFilter filter, CancellationToken cancellation = default)
    {
        var conditions = new List<string> { "id < @before" };
        var parameters = new List<(string, object?)> { ("before", filter.BeforeId ?? long.MaxValue), ("limit", filter.Limit) };
        void Where(string condition, string name, object? value)
        {
            if (value is null) return;
            conditions.Add(condition);
            parameters.Add((name, value));
        }

        Where("actor = @actor", "actor", filter.Actor);
        Where("cluster = @cluster", "cluster", filter.Cluster);
        Where("kind = @kind", "kind", filter.Kind);
        Where("name = @name", "name", filter.Name);
        Where("at >= @since", "since", filter.Since);
        Where("at < @until", "until", filter.Until);
        return await ReadAsync(
            $"SELECT id, {AuditColumns} FROM audit WHERE {string.Join(" AND ", conditions)} ORDER BY id DESC LIMIT @limit",
            row => new AuditRecord(
                row.GetInt64(0), Time(row, 1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6), row.GetString(7), MaybeText(row, 8), MaybeText(row, 9),
                row.GetString(10)),
            cancellation, [.. parameters]);
    }

    public Task WriteAuditAsync(AuditRecord record, CancellationToken cancellation = default) =>
        TransactAsync((connection, transaction) => InsertAsync(connection, transaction, record, cancellation), cancellation);

    private static StoredSnapshot Snapshot(DbDataReader row) =>
        new(row.GetString(0), row.GetInt64(1), row.GetString(2), row.GetString(3), Time(row, 4), row.GetString(5), row.GetString(6));

    private static Task<int> PutAsync(DbConnection connection, DbTransaction transaction, StoredResource resource, CancellationToken cancellation) => ExecuteAsync(
        connection, transaction,
        """
        INSERT INTO resources (cluster, kind, name, document, etag, created_at, updated_at, updated_by)
        VALUES (@cluster, @kind, @name, @document, @etag, @created_at, @updated_at, @updated_by)
        ON CONFLICT (cluster, kind, name) DO UPDATE
        SET document = excluded.document, etag = excluded.etag, updated_at = excluded.updated_at, updated_by = excluded.updated_by
        """,
        cancellation, ("cluster", resource.Cluster), ("kind", resource.Kind), ("name", resource.Name), ("document", resource.Document), ("etag", resource.ETag),
        ("created_at", resource.CreatedAt), ("updated_at", resource.UpdatedAt), ("updated_by", resource.UpdatedBy));

    private static Task<int> InsertAsync(DbConnection connection, DbTransaction transaction, AuditRecord record, CancellationToken cancellation) => ExecuteAsync(
        connection, transaction, $"INSERT INTO audit ({AuditColumns}) VALUES (@at, @actor, @source, @action, @cluster, @kind, @name, @before, @after, @result)", cancellation,
        ("at", record.At), ("actor", record.Actor), ("source", record.From), ("action", record.Action), ("cluster", record.Cluster), ("kind", record.Kind), ("name", record.Name),
        ("before", record.Before), ("after", record.After), ("result", record.Result));

    private static async Task<long> InsertAsync(DbConnection connection, DbTransaction transaction, StoredSnapshot snapshot, CancellationToken cancellation)
    {
        long number = 1 + await NumberAsync(connection, transaction, "SELECT COALESCE(MAX(number), 0) FROM snapshots WHERE cluster = @cluster", cancellation, ("cluster", snapshot.Cluster));
        await ExecuteAsync(
            connection, transaction,
            "INSERT INTO snapshots (cluster, number, version, author, created_at, comment, changes) VALUES (@cluster, @number, @version, @author, @created_at, @comment, @changes)", cancellation,
            ("cluster", snapshot.Cluster), ("number", number), ("version", snapshot.Version), ("author", snapshot.Author), ("created_at", snapshot.CreatedAt), ("comment", snapshot.Comment),
            ("changes", snapshot.Changes));
        await ExecuteAsync(
            connection, transaction, "DELETE FROM snapshots WHERE cluster = @cluster AND number <= @oldest", cancellation, ("cluster", snapshot.Cluster), ("oldest", number - KeptSnapshots));
        return number;
    }
}
