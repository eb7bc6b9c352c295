using MarchProxy.Control.State;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.Changes;

/// <summary>Which resources name which.</summary>
internal static class References
{
    public const string Collection = "collection";

    private static readonly ResourceKind s_services = ResourceKind.Find("services")!;
    private static readonly ResourceKind s_certificates = ResourceKind.Find("certificates")!;
    private static readonly ResourceKind s_databases = ResourceKind.Find("databases")!;
    private static readonly ResourceKind s_accounts = ResourceKind.Find("accounts")!;
    private static readonly ResourceKind s_listeners = ResourceKind.Find("listeners")!;
    private static readonly ResourceKind s_mappings = ResourceKind.Find("mappings")!;

    /// <summary>What a resource names: kinds in the plural, and collections.</summary>
    public static IEnumerable<(string Kind, string Name)> Of(Resource resource)
    {
        switch (resource)
        {
            case Mapping mapping:
                foreach (string party in mapping.Sources.Concat(mapping.Destinations))
                {
                    if (party == "all") continue;
                    yield return party.StartsWith(Collection + ":", StringComparison.Ordinal) ? (Collection, party[(Collection.Length + 1)..]) : ("services", party);
                }

                break;
            case Service { Tls.Certificate: { Length: > 0 } shown }:
                yield return ("certificates", shown);
                break;
            case Route route:
                foreach (Backend backend in route.Backends) yield return ("services", backend.Service);
                if (route.Mirror is { } mirror) yield return ("services", mirror.Service);
                break;
            case Listener listener:
                if (listener.Service.Length > 0) yield return ("services", listener.Service);
                if (listener.Database.Length > 0) yield return ("databases", listener.Database);
                foreach (string certificate in listener.Tls?.Certificates ?? []) yield return ("certificates", certificate);
                break;
            case DbAccount account:
                foreach (string database in account.Keys.Select(k => k.Database).Where(d => d.Length > 0)) yield return ("databases", database);
                break;
            case Grant grant:
                yield return ("accounts", grant.Account);
                yield return ("databases", grant.Database);
                break;
            case SecurityPolicy policy:
                foreach (string database in policy.Databases) yield return ("databases", database);
                break;
            default:
                break;
        }
    }

    /// <summary>Those that name a resource, or the last service of a collection.</summary>
    public static IEnumerable<Entry> Users(ClusterState cluster, IReadOnlySet<(string Kind, string Name)> named) =>
        cluster.All.Where(e => Of(e.Resource).Any(named.Contains));

    /// <summary>
    /// The part of a cluster that an edit can make wrong: what changed, who names it, what those name, and the listeners, which share ports. Judged by
    /// the same validators as a whole file, at a cost that grows with the edit.
    /// </summary>
    public static ResourceSet Affected(ClusterState after, IEnumerable<Entry> put, IEnumerable<Entry> gone)
    {
        var found = new Dictionary<ResourceKey, Entry>();
        var named = new HashSet<(string Kind, string Name)>();
        bool ports = false;
        foreach (Entry entry in put.Concat(gone))
        {
            named.Add((entry.Kind.Plural, entry.Name));
            if (entry.Resource is Service { Collection.Length: > 0 } service) named.Add((Collection, service.Collection));
            ports |= entry.Resource is Listener or Mapping { Listen: not null };
        }

        foreach (Entry entry in put) found[entry.Key] = entry;
        foreach (Entry user in Users(after, named)) found[user.Key] = user;
        if (ports)
        {
            foreach (Entry listener in after.Of(s_listeners)) found[listener.Key] = listener;
            foreach (Entry mapping in after.Of(s_mappings).Where(m => m.Resource is Mapping { Listen: not null })) found[mapping.Key] = mapping;
        }

        foreach (Entry entry in found.Values.ToArray())
        {
            foreach ((string kind, string name) in Of(entry.Resource))
            {
                Entry? target = kind switch
                {
                    "services" => after.Find(s_services, name),
                    "certificates" => after.Find(s_certificates, name),
                    "databases" => after.Find(s_databases, name),
                    "accounts" => after.Find(s_accounts, name),
                    _ => after.Of(s_services).FirstOrDefault(s => ((Service)s.Resource).Collection == name),
                };
                if (target is not null) found.TryAdd(target.Key, target);
            }
        }

        ResourceSet set = ResourceSet.Empty;
        foreach (ResourceKind kind in ResourceKind.All) set = kind.Replace(set, found.Values.Where(e => e.Kind == kind).Select(e => e.Resource));
        return set;
    }
}
