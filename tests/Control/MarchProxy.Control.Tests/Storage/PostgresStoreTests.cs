using MarchProxy.Control.Storage;
using MarchProxy.Control.Tests.Support;
using MarchProxy.Tests;
using Npgsql;

namespace MarchProxy.Control.Tests.Storage;

/// <summary>The suite on a real PostgreSQL.</summary>
[Collection(PostgresCollection.Name)]
public sealed class PostgresStoreTests(PostgresServer server) : StoreSuite
{
    private readonly Dictionary<string, string> _urls = [];

    [Fact]
    public async Task A_server_that_is_killed_in_an_edit_keeps_all_or_nothing()
    {
        await using IControlStore store = await NewAsync();
        await store.CommitAsync(new StoreCommit { ExpectedRevision = 0, Put = [Resource("kept")] });

        // Holds the revision, so that the commit waits in the middle until the server dies.
        await using (var holder = new NpgsqlConnection(Builder(store)))
        {
            await holder.OpenAsync();
            await using NpgsqlTransaction transaction = await holder.BeginTransactionAsync();
            await using NpgsqlCommand command = new("SELECT number FROM revision FOR UPDATE", holder, transaction);
            await command.ExecuteScalarAsync();
            Task<CommitResult> commit = store.CommitAsync(new StoreCommit { ExpectedRevision = 1, Put = [.. Enumerable.Range(0, 100).Select(i => Resource("lost" + i))] });
            await server.KillAsync();
            Assert.Contains("postgresql", (await Assert.ThrowsAsync<StoreException>(() => commit)).Message, StringComparison.Ordinal);
        }

        await server.StartAsync();
        Assert.Equal("kept", Assert.Single((await store.LoadAsync()).Resources).Name);
    }

    [Theory]
    [InlineData("postgres://march@127.0.0.1:1/none", "cannot be reached")]
    [InlineData("http://x", "cannot be read")]
    [InlineData("nonsense", "cannot be read")]
    public async Task A_wrong_url_is_told(string url, string told)
    {
        StoreException fault = await Assert.ThrowsAsync<StoreException>(async () =>
        {
            await using IControlStore store = ControlStores.Open(new StoreOptions { Type = "postgresql", Url = url });
            await store.MigrateAsync();
        });
        Assert.Contains(told, fault.Message, StringComparison.Ordinal);
        Assert.Contains("DATABASE_URL", fault.Message, StringComparison.Ordinal);
    }

    protected override async Task<IControlStore> NewAsync()
    {
        string url = await server.NewDatabaseAsync();
        IControlStore store = ControlStores.Open(new StoreOptions { Type = "postgresql", Url = url });
        _urls[store.Description] = url;
        Assert.NotEmpty(await store.MigrateAsync());
        return store;
    }

    protected override IControlStore Again(IControlStore store) => ControlStores.Open(new StoreOptions { Type = "postgresql", Url = _urls[store.Description] });

    protected override async Task ExecuteAsync(IControlStore store, string sql)
    {
        await using var connection = new NpgsqlConnection(Builder(store));
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private string Builder(IControlStore store)
    {
        var uri = new Uri(_urls[store.Description]);
        return $"Host={uri.Host};Port={uri.Port};Username=march;Password=secret;Database={uri.AbsolutePath.TrimStart('/')};Pooling=False";
    }
}
