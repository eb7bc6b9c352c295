using System.Collections.Immutable;
using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Validation;

namespace MarchProxy.Control.Changes;

/// <summary>Works edits out: what they make, change and delete, whether that may be and is valid. Pure: the clock comes in, nothing is written.</summary>
internal static class Planner
{
    private static readonly ResourceKind s_clusters = ResourceKind.Find("clusters")!;

    /// <summary>Plans an edit.</summary>
    /// <exception cref="ControlException">It may not be; every fault is told.</exception>
    public static Plan Make(ManagerState state, ChangeRequest request, DateTimeOffset now)
    {
        var put = new List<(Entry? Before, Entry After)>();
        var objects = new List<ObjectChange>();
        var faults = new List<Fault>();
        foreach (Resource wanted in request.Put) Want(state, request, wanted, now, put, objects, faults);
        List<Entry> gone = Gone(state, request, objects, faults);
        Permit(request, put, gone, faults);
        var duplicates = request.Put.GroupBy(Key).Where(g => g.Count() > 1);
        foreach (var duplicate in duplicates) faults.Add(new Fault($"{Singular(duplicate.Key)}/{duplicate.Key.Name}", "name", "stands there more than once", "keep one of them"));
        if (faults.Count > 0) throw new ControlException(RefusalKind.Invalid, Summary(faults), [.. faults]);

        ManagerState after = Apply(state, put, gone);
        CheckUses(state, after, gone);
        List<string> warnings = Validate(after, put, gone, request);
        var denied = new List<string>();
        foreach (string name in put.Select(p => p.After.Key.Cluster).Concat(gone.Select(g => g.Key.Cluster)).Distinct(StringComparer.Ordinal))
        {
            if (state.Cluster(name) is not { } before || after.Cluster(name) is not { } next) continue;
            IEnumerable<Entry> touched = put.Where(p => p.Before is not null).Select(p => p.Before!).Concat(gone).Where(e => e.Key.Cluster == name);
            denied.AddRange(NewlyDenied.Find(before, next, touched, now));
        }

        return new Plan(state, after, objects, put, gone, denied, warnings);
    }

    private static void Want(
        ManagerState state, ChangeRequest request, Resource wanted, DateTimeOffset now, List<(Entry? Before, Entry After)> put, List<ObjectChange> objects, List<Fault> faults)
    {
        ResourceKind kind = ResourceKind.Of(wanted);
        ResourceKey key = Key(wanted);
        Entry? before = state.Cluster(key.Cluster)?.Find(kind, key.Name);
        Demand(request, key, before);
        bool known = state.Cluster(key.Cluster) is not null || request.Put.Any(r => r is Cluster && r.Name == key.Cluster);
        if (!known) faults.Add(new Fault(wanted.Reference, "cluster", $"there is no cluster \"{key.Cluster}\"", "make it first, or take the field out"));
        (Resource filled, string? token) = request.Exact ? (wanted, null) : KeptSecrets.Fill(wanted, before?.Resource);
        var entry = new Entry(filled, before?.CreatedAt ?? now, now, request.Actor.Name);
        if (before is not null && before.Content.Span.SequenceEqual(entry.Content.Span))
        {
            objects.Add(new ObjectChange(key, ChangeAction.Unchanged, null, before.ETag));
            return;
        }

        put.Add((before, entry));
        objects.Add(new ObjectChange(key, before is null ? ChangeAction.Created : ChangeAction.Changed, token, entry.ETag));
    }

    private static List<Entry> Gone(ManagerState state, ChangeRequest request, List<ObjectChange> objects, List<Fault> faults)
    {
        var gone = new List<Entry>();
        foreach (ResourceKey key in request.Delete)
        {
            Entry? entry = ResourceKind.Find(key.Kind) is { } kind ? state.Cluster(key.Cluster)?.Find(kind, key.Name) : null;
            Demand(request, key, entry);
            if (entry is null) throw new ControlException(RefusalKind.NotFound, $"There is no {Singular(key)} \"{key.Name}\" in the cluster {key.Cluster}.");
            gone.Add(entry);
        }

        if (request.Prune)
        {
            var wanted = request.Put.Select(Key).ToHashSet();
            foreach (string cluster in request.Put.Select(r => r.Cluster).Append("default").Distinct(StringComparer.Ordinal))
            {
                foreach (Entry entry in state.Cluster(cluster)?.All ?? [])
                {
                    if (entry.Kind != s_clusters && request.PruneKinds.Contains(entry.Kind.Plural) && !wanted.Contains(entry.Key) && !AccessDesk.IsTemporary(entry.Resource)) gone.Add(entry);
                }
            }
        }

        foreach (Entry entry in gone)
        {
            objects.Add(new ObjectChange(entry.Key, ChangeAction.Deleted, null, null));
            if (entry.Resource is Cluster && state.Cluster(entry.Name)!.All.Any(e => e.Kind != s_clusters)) faults.Add(new Fault(entry.Resource.Reference, "", "still holds resources", "delete those first"));
            if (entry.Resource is Cluster && entry.Name == "default") faults.Add(new Fault(entry.Resource.Reference, "", "cannot be deleted", "leave it; it may be empty"));
        }

        return gone;
    }

    private static void Demand(ChangeRequest request, ResourceKey key, Entry? entry)
    {
        if (!request.Conditions.TryGetValue(key, out string? etag)) return;
        string subject = $"{Singular(key)}/{key.Name}";
        if (etag is null && entry is not null)
        {
            throw new ControlException(RefusalKind.PreconditionFailed, $"{subject} exists already.", new Fault(subject, "name", "is taken", "choose another name, or change the object with PUT")) { Current = entry.Body };
        }

        if (etag is not null && entry is null) throw new ControlException(RefusalKind.NotFound, $"There is no {subject} in the cluster {key.Cluster}.");
        if (etag is not null and not "*" && etag != entry!.ETag)
        {
            throw new ControlException(
                RefusalKind.PreconditionFailed, $"{subject} was changed by {entry.UpdatedBy} meanwhile.",
                new Fault(subject, "", "is no longer as you read it", "read it again, and put your change upon what stands now"))
            { Current = entry.Body };
        }
    }

    private static void Permit(ChangeRequest request, List<(Entry? Before, Entry After)> put, List<Entry> gone, List<Fault> faults)
    {
        if (request.Permit is not { } permit) return;
        string? refused = null;
        foreach ((Entry? before, Entry after) in put)
        {
            if (permit(before?.Resource, after.Resource) is { } why) faults.Add(new Fault(after.Resource.Reference, "", refused = why, "ask an owner or a maintainer"));
        }

        foreach (Entry entry in gone)
        {
            if (permit(entry.Resource, null) is { } why) faults.Add(new Fault(entry.Resource.Reference, "", refused = why, "ask an owner or a maintainer"));
        }

        if (refused is not null) throw new ControlException(RefusalKind.Forbidden, Summary(faults), [.. faults]);
    }

    private static ManagerState Apply(ManagerState state, List<(Entry? Before, Entry After)> put, List<Entry> gone)
    {
        ImmutableSortedDictionary<string, ClusterState>.Builder clusters = state.Clusters.ToBuilder();
        foreach (string name in put.Select(p => p.After.Key.Cluster).Concat(gone.Select(g => g.Key.Cluster)).Distinct(StringComparer.Ordinal).ToArray())
        {
            ClusterState cluster = state.Cluster(name) ?? ClusterState.Empty(name);
            cluster = cluster.With(put.Where(p => p.After.Key.Cluster == name).Select(p => p.After), gone.Where(g => g.Key.Cluster == name));
            if (cluster.Count(s_clusters) == 0) clusters.Remove(name);
            else clusters[name] = cluster;
        }

        return state with { Clusters = clusters.ToImmutable() };
    }

    /// <summary>What goes must not be named by what stays; a collection goes with its last service.</summary>
    private static void CheckUses(ManagerState state, ManagerState after, List<Entry> gone)
    {
        var faults = new List<Fault>();
        foreach (IGrouping<string, Entry> group in gone.GroupBy(g => g.Key.Cluster))
        {
            if (after.Cluster(group.Key) is not { } cluster) continue;
            foreach (Entry entry in group)
            {
                var named = new HashSet<(string, string)> { (entry.Kind.Plural, entry.Name) };
                if (entry.Resource is Service { Collection.Length: > 0 } service
                    && !cluster.Of(entry.Kind).Any(e => ((Service)e.Resource).Collection == service.Collection)) named.Add((References.Collection, service.Collection));
                string[] users = [.. References.Users(cluster, named).Select(u => u.Resource.Reference)];
                if (users.Length > 0) faults.Add(new Fault(entry.Resource.Reference, "", $"is used by {string.Join(", ", users.Take(20))}{(users.Length > 20 ? $" and {users.Length - 20} more" : "")}", "change or delete those first"));
            }
        }

        if (faults.Count > 0) throw new ControlException(RefusalKind.Conflict, Summary(faults), [.. faults]);
    }

    private static List<string> Validate(ManagerState after, List<(Entry? Before, Entry After)> put, List<Entry> gone, ChangeRequest request)
    {
        var faults = new List<Fault>();
        var warnings = new List<string>();
        foreach (string name in put.Select(p => p.After.Key.Cluster).Concat(gone.Select(g => g.Key.Cluster)).Distinct(StringComparer.Ordinal))
        {
            if (after.Cluster(name) is not { } cluster) continue;
            Entry[] own = [.. put.Select(p => p.After).Where(e => e.Key.Cluster == name)];
            IReadOnlyList<Diagnostic> found = Validator.Validate(References.Affected(cluster, own, gone.Where(g => g.Key.Cluster == name)));

            // The whole set is judged again only to be helpful: "did you mean" wants to know every name.
            if (found.Any(d => d.Severity == Severity.Error)) found = Validator.Validate(cluster.Set());
            faults.AddRange(found.Where(d => d.Severity == Severity.Error).Select(d => new Fault(d.Object, d.Field, d.Message, d.Mend)));
            warnings.AddRange(found.Where(d => d.Severity == Severity.Warning).Select(d => $"{d.Object} {d.Field}: {d.Message}; {d.Mend}"));
            faults.AddRange(CertificateCheck.Faults(own));
        }

        if (faults.Count > 0) throw new ControlException(RefusalKind.Invalid, Summary(faults), [.. faults]);
        return warnings;
    }

    private static string Summary(List<Fault> faults) => faults.Count == 1
        ? $"{faults[0].Object} {faults[0].Field}: {faults[0].Message}".Replace(" : ", ": ", StringComparison.Ordinal)
        : $"{faults.Count} faults; nothing was changed.";

    private static ResourceKey Key(Resource resource) => new(resource.Cluster, ResourceKind.Of(resource).Plural, resource.Name);

    private static string Singular(ResourceKey key) => ResourceKind.Find(key.Kind)?.Singular ?? key.Kind;
}
