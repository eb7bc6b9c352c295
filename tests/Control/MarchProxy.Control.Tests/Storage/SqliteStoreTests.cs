using MarchProxy.Control.Storage;
using Microsoft.Data.Sqlite;

namespace MarchProxy.Control.Tests.Storage;

/// <summary>The suite on SQLite files.</summary>
public sealed class SqliteStoreTests : StoreSuite, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("marchproxy-sqlite-").FullName;
    private int _files;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_that_is_no_database_or_has_no_folder_is_told()
    {
        string file = Path.Combine(_folder, "text.db");
        await File.WriteAllTextAsync(file, new string('x', 5000));
        await using IControlStore text = ControlStores.Open(new StoreOptions { File = file });
        Assert.Contains("not a whole SQLite database", (await Assert.ThrowsAsync<StoreException>(() => text.MigrateAsync())).Message, StringComparison.Ordinal);
        await using IControlStore nowhere = ControlStores.Open(new StoreOptions { File = Path.Combine(_folder, "none", "x.db") });
        Assert.Contains("its folder exists", (await Assert.ThrowsAsync<StoreException>(() => nowhere.MigrateAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_is_told_and_keeps_nothing()
    {
        await using IControlStore store = await NewAsync();
        await ExecuteAsync(store, "CREATE TRIGGER full_disk BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END");
        var commit = new StoreCommit
        {
            ExpectedRevision = 0,
            Put = [Resource("a")],
            Audit = [new AuditRecord(0, DateTimeOffset.UnixEpoch, "a", "", "create", "", "", "", null, null, "ok")],
        };
        Assert.Contains("full", (await Assert.ThrowsAsync<StoreException>(() => store.CommitAsync(commit))).Message, StringComparison.Ordinal);
        Assert.Empty((await store.LoadAsync()).Resources);
    }

    protected override async Task<IControlStore> NewAsync()
    {
        IControlStore store = ControlStores.Open(new StoreOptions { File = Path.Combine(_folder, $"{++_files}.db") });
        Assert.NotEmpty(await store.MigrateAsync());
        return store;
    }

    protected override IControlStore Again(IControlStore store) => ControlStores.Open(new StoreOptions { File = FileOf(store) });

    protected override async Task ExecuteAsync(IControlStore store, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={FileOf(store)};Pooling=False");
        await connection.OpenAsync();
        await using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    private static string FileOf(IControlStore store) => store.Description.Split(' ', 2)[1];
}
