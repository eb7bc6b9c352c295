using MarchProxy.Control.State;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.Changes;

/// <summary>What an edit of mappings would newly refuse: asked of both policies for each flow that the mappings before allowed.</summary>
internal static class NewlyDenied
{
    /// <summary>Lines at most; more are summed up in one.</summary>
    private const int Most = 50;

    /// <summary>Flows asked about at most: an edit of "all to all" is told in part.</summary>
    private const int MostAsked = 5_000;

    private static readonly ResourceKind s_services = ResourceKind.Find("services")!;
    private static readonly ResourceKind s_mappings = ResourceKind.Find("mappings")!;

    public static IReadOnlyList<string> Find(ClusterState before, ClusterState after, IEnumerable<Entry> touched, DateTimeOffset now)
    {
        Mapping[] suspects = [.. touched.Select(e => e.Resource).OfType<Mapping>().Where(m => m.Effect != MappingEffect.Deny && m.Approval == Approval.Approved)];
        if (suspects.Length == 0) return [];
        var parties = suspects.SelectMany(m => Parties(before, m.Sources).Concat(Parties(before, m.Destinations))).Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        EgressPolicy old = Policy(before, parties), fresh = Policy(after, parties);
        var denied = new List<string>();
        int asked = 0;
        foreach (Mapping mapping in suspects)
        {
            foreach (Service source in Parties(before, mapping.Sources))
            {
                foreach (Service destination in Parties(before, mapping.Destinations).Where(d => !d.Addresses.IsEmpty))
                {
                    foreach ((EgressProtocols protocol, int port) in Flows(mapping, destination))
                    {
                        if (++asked > MostAsked) return Finish(denied, more: true);
                        if (Passes(old, source.Name, destination, protocol, port, now) && !Passes(fresh, source.Name, destination, protocol, port, now))
                        {
                            string line = $"{source.Name} to {destination.Name} ({protocol.ToString().ToLowerInvariant()} {port})";
                            if (!denied.Contains(line)) denied.Add(line);
                        }
                    }
                }
            }
        }

        return Finish(denied, more: false);
    }

    private static List<string> Finish(List<string> denied, bool more)
    {
        if (denied.Count <= Most && !more) return denied;
        List<string> first = [.. denied.Take(Most)];
        first.Add(more ? "and perhaps more: the mappings cover too many flows to ask about each" : $"and {denied.Count - Most} more");
        return first;
    }

    /// <summary>The part of a policy that bears on some parties: the cost is theirs, not that of all.</summary>
    private static EgressPolicy Policy(ClusterState cluster, HashSet<string> parties)
    {
        Service[] services = [.. parties.Select(name => cluster.Find(s_services, name)?.Resource).OfType<Service>()];
        var names = parties.Concat(services.Where(s => s.Collection.Length > 0).Select(s => "collection:" + s.Collection)).Append("all").ToHashSet(StringComparer.Ordinal);
        return new EgressPolicy([.. services], [.. cluster.Of(s_mappings).Select(e => (Mapping)e.Resource).Where(m => m.Sources.Any(names.Contains) && m.Destinations.Any(names.Contains))]);
    }

    private static IEnumerable<Service> Parties(ClusterState cluster, IReadOnlyCollection<string> parties)
    {
        foreach (string party in parties)
        {
            if (party == "all" || party.StartsWith("collection:", StringComparison.Ordinal))
            {
                foreach (Entry entry in cluster.Of(s_services))
                {
                    var service = (Service)entry.Resource;
                    if (party == "all" || service.Collection == party["collection:".Length..]) yield return service;
                }
            }
            else if (cluster.Find(s_services, party)?.Resource is Service named)
            {
                yield return named;
            }
        }
    }

    private static IEnumerable<(EgressProtocols Protocol, int Port)> Flows(Mapping mapping, Service destination)
    {
        foreach (EgressProtocols protocol in new[] { EgressProtocols.Tcp, EgressProtocols.Udp, EgressProtocols.Icmp, EgressProtocols.Http, EgressProtocols.Https })
        {
            if ((mapping.Protocols & protocol) == 0) continue;
            if (mapping.Ports.IsAny) yield return (protocol, Math.Max(1, destination.Ports.Preferred));
            else foreach ((int first, int _) in mapping.Ports.Ranges) yield return (protocol, first);
        }
    }

    private static bool Passes(EgressPolicy policy, string source, Service destination, EgressProtocols protocol, int port, DateTimeOffset now)
    {
        if (policy.FindService(source) is not { } asking) return false;
        string address = destination.Addresses[0];
        string host = address.StartsWith("*.", StringComparison.Ordinal) ? "any" + address[1..] : address;
        if (HostPattern.TryNetwork(host, out System.Net.IPNetwork network)) host = network.BaseAddress.ToString();
        return new Flow(source, asking.Auth.Type, protocol, host, port).Decide(policy, now).Passes;
    }
}
