using System.Text.Json.Nodes;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Secrets;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Control.State;

/// <summary>One object that an edit touched.</summary>
/// <param name="Key">Which.</param>
/// <param name="After">As it stands now; null when it is gone.</param>
public sealed record Change(ResourceKey Key, Entry? After);

/// <summary>
/// The one truth: all resources in memory, every edit planned, stored and put in force in this order, one at a time. Reading costs no lock and no
/// database. Several managers on one database see each other's edits by its revision.
/// </summary>
public sealed class Manager(IControlStore store, SecretBox box, TimeProvider time, ProcessLog log) : IAsyncDisposable
{
    /// <summary>Edits of others that one edit gives way to before it gives up.</summary>
    private const int MostTries = 8;

    private readonly SemaphoreSlim _editing = new(1, 1);
    private volatile ManagerState _state = ManagerState.Empty;

    /// <summary>Told after every edit: the state now, and what the edit touched; null when all may have changed. Called one at a time; must not block.</summary>
    public event Action<ManagerState, IReadOnlyList<Change>?>? Changed;

    /// <summary>What stands now.</summary>
    public ManagerState State => _state;

    /// <summary>The store.</summary>
    public IControlStore Store => store;

    /// <summary>What the planes' policies said to whom in the last 24 hours.</summary>
    public FlowBook Flows { get; } = new(store, time, log);

    /// <summary>The clock.</summary>
    public TimeProvider Time => time;

    /// <summary>Reads everything, and makes the cluster <c>default</c> where there is none.</summary>
    public async Task StartAsync(CancellationToken cancellation = default)
    {
        await ReloadAsync(cancellation);
        Flows.Start();
        if (_state.Cluster("default") is null)
        {
            await ChangeAsync(new ChangeRequest { Actor = Actor.System, Comment = "first start", Put = [new Cluster { Name = "default", Cluster = "default" }] }, cancellation);
        }
    }

    /// <summary>Carries an edit out, or for a dry run tells what it would do.</summary>
    /// <param name="request">The edit.</param>
    /// <param name="cancellation">Ends the waiting for one's turn.</param>
    /// <exception cref="ControlException">It may not be; nothing was changed.</exception>
    /// <exception cref="StoreException">The store failed; nothing was changed.</exception>
    public async Task<ChangeResult> ChangeAsync(ChangeRequest request, CancellationToken cancellation = default)
    {
        if (request.DryRun)
        {
            Plan tried = Planner.Make(_state, request, time.GetUtcNow());
            return Result(tried, [], dryRun: true) with { Flows = await ForecastAsync(tried, cancellation) };
        }

        await _editing.WaitAsync(cancellation);
        try
        {
            for (int attempt = 0; attempt < MostTries; attempt++)
            {
                Plan plan = Planner.Make(_state, request, time.GetUtcNow());
                if (plan.IsEmpty) return Result(plan, [], dryRun: false);

                // A stored edit must be put in force: from here on nobody's leaving cancels it.
                CommitResult commit = await store.CommitAsync(ToCommit(plan, request), CancellationToken.None);
                if (commit.Done)
                {
                    Publish(plan.After with { Revision = commit.Revision }, [.. plan.Clusters.SelectMany(plan.Of).Select(c => new Change(c.Key, c.After))]);
                    return Result(plan, commit.SnapshotNumbers, dryRun: false);
                }

                await LoadAsync(CancellationToken.None);
            }

            throw new ControlException(RefusalKind.Conflict, "Others change the configuration without pause; try again.");
        }
        finally
        {
            _editing.Release();
        }
    }

    /// <summary>Takes over what other managers wrote, when there is something.</summary>
    public async Task<bool> RefreshAsync(CancellationToken cancellation = default)
    {
        if (await store.RevisionAsync(cancellation) == _state.Revision) return false;
        await ReloadAsync(cancellation);
        return true;
    }

    /// <summary>What a version changed: each object as it stood before and after, secrets included.</summary>
    /// <exception cref="ControlException">There is no such version.</exception>
    public async Task<IReadOnlyList<ObjectDelta>> DeltasAsync(string cluster, long number, CancellationToken cancellation = default)
    {
        StoredSnapshot snapshot = await store.SnapshotAsync(cluster, number, cancellation)
            ?? throw new ControlException(RefusalKind.NotFound, $"The cluster {cluster} has no version {number}; the newest 100 are kept.");
        return ObjectDelta.Parse(box.Open(snapshot.Changes), cluster);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Flows.DisposeAsync();
        _editing.Dispose();
        await store.DisposeAsync();
    }

    private async Task<FlowForecastResult?> ForecastAsync(Plan plan, CancellationToken cancellation)
    {
        int asked = 0;
        var changes = new List<FlowChange>();
        string[] clusters = [.. plan.Clusters.Where(name => FlowForecast.Concerns(plan, name))];
        foreach (string name in clusters)
        {
            IReadOnlyList<(Model.Egress.Flow Flow, StoredFlow Count)> flows = await Flows.LatestAsync(name, cancellation);
            asked += flows.Count;
            changes.AddRange(FlowForecast.Find(plan.Base.Cluster(name)!, plan.After.Cluster(name), flows, time.GetUtcNow()));
        }

        return clusters.Length == 0 ? null : new FlowForecastResult(asked, changes);
    }

    private async Task ReloadAsync(CancellationToken cancellation)
    {
        await _editing.WaitAsync(cancellation);
        try
        {
            await LoadAsync(cancellation);
        }
        finally
        {
            _editing.Release();
        }
    }

    private async Task LoadAsync(CancellationToken cancellation)
    {
        StoreState stored = await store.LoadAsync(cancellation);
        var entries = stored.Resources.Select(Parse).OfType<Entry>().ToList();
        var clusters = entries.GroupBy(e => e.Key.Cluster).Select(g => ClusterState.Empty(g.Key).With(g, []));
        Publish(ManagerState.Empty with { Revision = stored.Revision, Clusters = ManagerState.Empty.Clusters.AddRange(clusters.Select(c => KeyValuePair.Create(c.Name, c))) }, null);
    }

    private Entry? Parse(StoredResource stored)
    {
        ResourceKind? kind = ResourceKind.Find(stored.Kind);
        if (kind is null)
        {
            log.Error("a stored object is of a kind that this program does not know; it is left alone", ("kind", stored.Kind), ("name", stored.Name));
            return null;
        }

        (Resource? resource, IReadOnlyList<Diagnostic> diagnostics) = ResourceReader.ReadObject(kind, System.Text.Encoding.UTF8.GetBytes(box.Open(stored.Document)), "store", StoredSecrets.Instance);
        foreach (Diagnostic diagnostic in diagnostics.Where(d => d.Severity == Severity.Error)) log.Error("a stored object is not as this program writes it", ("fault", diagnostic.ToString()));
        return resource is null ? null : new Entry(resource, stored.CreatedAt, stored.UpdatedAt, stored.UpdatedBy);
    }

    private void Publish(ManagerState state, IReadOnlyList<Change>? changes)
    {
        _state = state;
        Changed?.Invoke(state, changes);
    }

    private StoreCommit ToCommit(Plan plan, ChangeRequest request)
    {
        DateTimeOffset now = time.GetUtcNow();
        return new StoreCommit
        {
            ExpectedRevision = plan.Base.Revision,
            Put = [.. plan.Put.Select(p => new StoredResource(
                p.After.Key.Cluster, p.After.Kind.Plural, p.After.Name, Sealed(p.After), p.After.ETag, p.After.CreatedAt, p.After.UpdatedAt, p.After.UpdatedBy))],
            Delete = [.. plan.Gone.Select(g => g.Key)],
            Audit =
            [
                .. plan.Clusters.SelectMany(plan.Of).Select(c => new AuditRecord(
                    0, now, request.Actor.Name, request.Actor.From, c.Before is null ? "create" : c.After is null ? "delete" : "update", c.Key.Cluster, c.Key.Kind, c.Key.Name,
                    Shown(c.Before), Shown(c.After), "ok")),
            ],
            Snapshots =
            [
                .. plan.Clusters.Select(name => new StoredSnapshot(
                    name, 0, plan.After.Cluster(name)?.Version ?? "", request.Actor.Name, now, request.Comment, box.Seal(ObjectDelta.Write(plan.Of(name))))),
            ],
        };
    }

    /// <summary>Kinds that may hold secrets are sealed whole.</summary>
    private string Sealed(Entry entry)
    {
        string text = System.Text.Encoding.UTF8.GetString(entry.Content.Span);
        return entry.Resource is Service { Auth.Type: not AuthType.None } or Certificate or Database or DbAccount ? box.Seal(text) : text;
    }

    private static string? Shown(Entry? entry) => entry is null ? null : JsonNode.Parse(ResourceWriter.ToJson(entry.Resource, redact: true))!.ToJsonString();

    private static ChangeResult Result(Plan plan, IReadOnlyList<long> numbers, bool dryRun) => new(
        plan.Objects, plan.NewlyDenied,
        [.. plan.Clusters.Select((name, i) => new ClusterVersion(name, plan.After.Cluster(name)?.Version ?? "", i < numbers.Count ? numbers[i] : 0))], dryRun, plan.Warnings);
}
