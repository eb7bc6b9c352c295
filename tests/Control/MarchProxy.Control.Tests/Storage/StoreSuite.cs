using System.Text;
using MarchProxy.Control.Storage;

namespace MarchProxy.Control.Tests.Storage;

/// <summary>What every store must do; run on each kind.</summary>
public abstract class StoreSuite
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 1, 2, 3, TimeSpan.Zero);

    /// <summary>A fresh, migrated store.</summary>
    protected abstract Task<IControlStore> NewAsync();

    /// <summary>Another connection to the same database.</summary>
    protected abstract IControlStore Again(IControlStore store);

    /// <summary>Runs SQL beside the store.</summary>
    protected abstract Task ExecuteAsync(IControlStore store, string sql);

    [Fact]
    public async Task A_commit_is_read_back_whole()
    {
        await using IControlStore store = await NewAsync();
        StoredResource service = Resource("a", document: "{\"name\":\"a\",\"x\":\"'; DROP TABLE resources; -- \\u0000 é😀\"}");
        CommitResult done = await store.CommitAsync(new StoreCommit { ExpectedRevision = 0, Put = [service], Audit = [Audit("a")], Snapshots = [Snapshot("default")] });
        Assert.True(done.Done);
        Assert.Equal([1L], done.SnapshotNumbers);
        StoreState state = await store.LoadAsync();
        Assert.Equal(1, state.Revision);
        Assert.Equal(service, Assert.Single(state.Resources));
        Assert.Equal("changes", (await store.SnapshotAsync("default", 1))!.Changes);
        Assert.Equal("a", Assert.Single(await store.AuditAsync(new AuditFilter())).Name);
        await store.CommitAsync(new StoreCommit { ExpectedRevision = 1, Put = [service with { ETag = "2", UpdatedBy = "x" }], Delete = [new ResourceKey("default", "services", "none")] });
        Assert.Equal("2", Assert.Single((await store.LoadAsync()).Resources).ETag);
        await store.CommitAsync(new StoreCommit { ExpectedRevision = 2, Delete = [new ResourceKey("default", "services", "a")] });
        Assert.Empty((await store.LoadAsync()).Resources);
    }

    [Fact]
    public async Task Of_those_who_commit_upon_one_revision_one_wins()
    {
        await using IControlStore store = await NewAsync();
        await using IControlStore other = Again(store);
        CommitResult[] results = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => (i % 2 == 0 ? store : other).CommitAsync(
            new StoreCommit { ExpectedRevision = 0, Put = [Resource("r" + i)] }))));
        Assert.Single(results, r => r.Done);
        Assert.Single((await store.LoadAsync()).Resources);
        Assert.Equal(1, await other.RevisionAsync());
    }

    [Fact]
    public async Task A_failure_in_the_middle_leaves_nothing_behind()
    {
        await using IControlStore store = await NewAsync();
        await ExecuteAsync(store, "DROP TABLE snapshots");
        StoreException fault = await Assert.ThrowsAsync<StoreException>(() => store.CommitAsync(
            new StoreCommit { ExpectedRevision = 0, Put = [Resource("a")], Audit = [Audit("a")], Snapshots = [Snapshot("default")] }));
        Assert.Contains("snapshots", fault.Message, StringComparison.Ordinal);
        StoreState state = await store.LoadAsync();
        Assert.Equal(0, state.Revision);
        Assert.Empty(state.Resources);
        Assert.Empty(await store.AuditAsync(new AuditFilter()));
    }

    [Fact]
    public async Task A_hundred_versions_of_each_cluster_are_kept()
    {
        await using IControlStore store = await NewAsync();
        for (int i = 0; i < 105; i++) await store.CommitAsync(new StoreCommit { ExpectedRevision = i, Snapshots = [Snapshot("default"), Snapshot("other" + (i % 50))] });
        IReadOnlyList<StoredSnapshot> all = await store.SnapshotsAsync("default", null, 1000);
        Assert.Equal(100, all.Count);
        Assert.Equal(105, all[0].Number);
        Assert.Equal(6, all[^1].Number);
        Assert.Null(await store.SnapshotAsync("default", 5));
        Assert.Equal([49L, 48L], (await store.SnapshotsAsync("default", 50, 2)).Select(s => s.Number));
        Assert.Equal(3, (await store.SnapshotsAsync("other0", null, 10)).Count);
    }

    [Fact]
    public async Task The_audit_trail_is_filtered_and_paged()
    {
        await using IControlStore store = await NewAsync();
        for (int i = 0; i < 10; i++) await store.WriteAuditAsync(Audit("n" + i) with { Actor = i % 2 == 0 ? "ann" : "bob", At = s_now.AddMinutes(i), Before = i == 3 ? "{}" : null });
        IReadOnlyList<AuditRecord> first = await store.AuditAsync(new AuditFilter { Actor = "ann", Limit = 2 });
        Assert.Equal(["n8", "n6"], first.Select(r => r.Name));
        Assert.Equal(["n4", "n2", "n0"], (await store.AuditAsync(new AuditFilter { Actor = "ann", BeforeId = first[^1].Id })).Select(r => r.Name));
        Assert.Equal(["n4", "n3"], (await store.AuditAsync(new AuditFilter { Since = s_now.AddMinutes(3), Until = s_now.AddMinutes(5) })).Select(r => r.Name));
        Assert.Equal("{}", Assert.Single(await store.AuditAsync(new AuditFilter { Name = "n3", Kind = "services", Cluster = "default" })).Before);
        Assert.Empty(await store.AuditAsync(new AuditFilter { Actor = "' OR 1=1 --" }));
    }

    [Fact]
    public async Task A_refresh_token_is_used_once()
    {
        await using IControlStore store = await NewAsync();
        byte[] hash = [1, 2, 3];
        await store.AddRefreshTokenAsync(new StoredRefreshToken(hash, "family", "ann", s_now, s_now.AddDays(1), null));
        bool[] used = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => store.UseRefreshTokenAsync(hash, s_now))));
        Assert.Single(used, u => u);
        Assert.Equal(s_now, (await store.RefreshTokenAsync(hash))!.UsedAt);
        await store.RevokeFamilyAsync("family");
        Assert.Null(await store.RefreshTokenAsync(hash));
        await store.AddRefreshTokenAsync(new StoredRefreshToken(hash, "f2", "ann", s_now, s_now.AddDays(1), null));
        await store.PurgeRefreshTokensAsync(s_now.AddDays(2));
        Assert.Null(await store.RefreshTokenAsync(hash));
    }

    [Fact]
    public async Task Accounts_keys_planes_and_settings_are_kept()
    {
        await using IControlStore store = await NewAsync();
        var user = new StoredUser("ann@test", "hash", "admin", null, true, 2, s_now.AddMinutes(1), s_now, s_now);
        await store.PutUserAsync(user with { LockedUntil = null });
        await store.PutUserAsync(user);
        Assert.Equal(user, await store.UserAsync("ann@test"));
        Assert.Equal(user, Assert.Single(await store.UsersAsync()));
        Assert.True(await store.DeleteUserAsync("ann@test"));
        Assert.False(await store.DeleteUserAsync("ann@test"));

        await store.AddClusterKeyAsync(new StoredClusterKey("k1", "default", [1], s_now, null));
        await store.AddClusterKeyAsync(new StoredClusterKey("k2", "default", [2], s_now.AddSeconds(1), null));
        await store.ExpireClusterKeysAsync("default", "k2", s_now.AddHours(1));
        await store.ExpireClusterKeysAsync("default", "k2", s_now.AddHours(2));
        Assert.Equal([s_now.AddHours(1), null], (await store.ClusterKeysAsync()).Select(k => k.ExpiresAt));

        var proxy = new StoredProxy("default", "p1", "edge", "host", "v1", "[]", s_now, s_now, null, null, null, null);
        await store.PutProxyAsync(proxy);
        await store.PutProxyAsync(proxy with { RunningVersion = "abc", NackReason = "no", NackAt = s_now, NackVersion = "x" });
        Assert.Equal(proxy with { RunningVersion = "abc", NackReason = "no", NackAt = s_now, NackVersion = "x" }, Assert.Single(await store.ProxiesAsync()));
        Assert.True(await store.DeleteProxyAsync("default", "p1"));

        await store.PutSettingAsync("s", [0, 255]);
        await store.PutSettingAsync("s", [7]);
        Assert.Equal([7], (await store.SettingAsync("s"))!);
        Assert.Null(await store.SettingAsync("none"));
    }

    [Fact]
    public async Task Flows_add_up_whoever_writes_them_and_old_hours_go()
    {
        await using IControlStore store = await NewAsync();
        await using IControlStore other = Again(store);
        var flow = new StoredFlow("default", StoredFlow.HourOf(s_now), "a|0|8|80|h.test", 1, 2, 3, "m", "none", s_now);
        StoredFlow old = flow with { Hour = flow.Hour - 30, LastSeen = s_now.AddHours(-30) };
        await store.AddFlowsAsync([flow, old], s_now.AddHours(-40));
        await other.AddFlowsAsync([flow with { Allowed = 10, Mapping = "later", LastSeen = s_now.AddMinutes(1) }, flow with { Cluster = "other" }], s_now.AddHours(-40));
        await store.AddFlowsAsync([flow with { Reason = "earlier", LastSeen = s_now.AddMinutes(-1) }], s_now.AddHours(-24));
        Assert.Equal(flow with { Allowed = 12, Denied = 6, Reported = 9, Mapping = "later", LastSeen = s_now.AddMinutes(1) }, Assert.Single(await store.FlowsAsync("default", s_now.AddHours(-99))));
        Assert.Empty(await store.FlowsAsync("default", s_now.AddMinutes(2)));
        Assert.Single(await store.FlowsAsync("other", s_now));
    }

    [Fact]
    public async Task What_was_used_adds_up_by_whatever_is_asked_for_and_old_hours_go()
    {
        await using IControlStore store = await NewAsync();
        await using IControlStore other = Again(store);
        long hour = StoredFlow.HourOf(s_now);
        var use = new StoredUsage("default", hour, "app", "web", "shop", 1, 10, 2, 30, 400, 5_000_000_000);
        await store.AddUsageAsync([use, use with { Account = "job" }, use with { Hour = hour - 2 }, use with { Hour = hour - 3000 }], hour - 5000);
        await other.AddUsageAsync([use, use with { Cluster = "other" }], hour - 2400);
        Assert.Equal(
            [use with { Hour = hour - 2, Tenant = "", Database = "" }, use with { Tenant = "", Database = "", Connections = 2, Queries = 20, Denied = 4, Rows = 60, BytesIn = 800, BytesOut = 10_000_000_000 }, use with { Account = "job", Tenant = "", Database = "" }],
            await store.UsageAsync("default", hour - 9999, hour + 1, ["hour", "account"]));
        Assert.Equal((30L, 20_000_000_000L), (await store.UsageAsync("default", 0, hour + 1, ["tenant"])) is [var one] ? (one.Queries - 10, one.BytesOut) : default);
        Assert.Equal(4, Assert.Single(await store.UsageAsync("default", 0, hour + 1, [])).Connections);
        Assert.Empty(await store.UsageAsync("nobody", 0, hour + 1, []));
    }

    [Fact]
    public async Task Migrating_again_does_nothing_and_a_newer_database_is_refused()
    {
        await using IControlStore store = await NewAsync();
        Assert.Empty(await store.MigrateAsync());
        await ExecuteAsync(store, "INSERT INTO schema_migrations (name, checksum, applied_at) VALUES ('9999_future', 'x', 0)");
        Assert.Contains("newer", (await Assert.ThrowsAsync<StoreException>(() => store.MigrateAsync())).Message, StringComparison.Ordinal);
        await ExecuteAsync(store, "DELETE FROM schema_migrations WHERE name = '9999_future'");
        await ExecuteAsync(store, "UPDATE schema_migrations SET checksum = 'other'");
        Assert.Contains("another form", (await Assert.ThrowsAsync<StoreException>(() => store.MigrateAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_export_fits_another_store_and_a_broken_one_is_refused()
    {
        await using IControlStore store = await NewAsync();
        await store.CommitAsync(new StoreCommit { ExpectedRevision = 0, Put = [Resource("a"), Resource("b", document: new string('x', 1 << 20))], Audit = [Audit("a")], Snapshots = [Snapshot("default")] });
        await store.PutUserAsync(new StoredUser("ann", "h", "admin", null, false, 0, null, s_now, s_now));
        await store.AddRefreshTokenAsync(new StoredRefreshToken([9, 8], "f", "ann", s_now, s_now, null));
        await store.PutSettingAsync("s", [0, 1, 255]);
        using var file = new MemoryStream();
        await store.ExportAsync(file);

        await using IControlStore copy = await NewAsync();
        await copy.ImportAsync(new MemoryStream(file.ToArray()));
        using var second = new MemoryStream();
        await copy.ExportAsync(second);
        Assert.Equal(file.ToArray(), second.ToArray());
        Assert.Contains("not empty", (await Assert.ThrowsAsync<StoreException>(() => copy.ImportAsync(new MemoryStream(file.ToArray())))).Message, StringComparison.Ordinal);

        string text = Encoding.UTF8.GetString(file.ToArray());
        string[] broken = [text[..(text.Length / 2)], text[..(text.LastIndexOf("{\"sha256", StringComparison.Ordinal))], text.Replace("ann", "eve", StringComparison.Ordinal), "", "{}\n"];
        await using IControlStore empty = await NewAsync();
        foreach (string one in broken)
        {
            await Assert.ThrowsAsync<StoreException>(() => empty.ImportAsync(new MemoryStream(Encoding.UTF8.GetBytes(one))));
            Assert.Empty((await empty.LoadAsync()).Resources);
        }
    }

    protected static StoredResource Resource(string name, string document = "{}") => new("default", "services", name, document, "1", s_now, s_now, "ann");

    private static StoredSnapshot Snapshot(string cluster) => new(cluster, 0, "version", "ann", s_now, "edit", "changes");

    private static AuditRecord Audit(string name) => new(0, s_now, "ann", "127.0.0.1", "create", "default", "services", name, null, "{}", "ok");
}
