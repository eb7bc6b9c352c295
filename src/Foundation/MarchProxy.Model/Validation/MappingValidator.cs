using MarchProxy.Model.Egress;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>Mappings: both ends exist, and what they demand can be met.</summary>
internal static class MappingValidator
{
    private const string CollectionPrefix = "collection:";

    public static void Validate(ResourceSet set, DiagnosticList diagnostics)
    {
        var services = set.Services.GroupBy(s => (s.Cluster, s.Name)).ToDictionary(g => g.Key, g => g.First());
        var collections = set.Services.Where(s => s.Collection.Length > 0).Select(s => (s.Cluster, s.Collection)).ToHashSet();
        foreach (Mapping mapping in set.Mappings)
        {
            if (mapping.Sources.IsEmpty) diagnostics.Error(mapping.Position, mapping.Reference, "sources", "is missing", "name services, collection:NAME or all");
            if (mapping.Destinations.IsEmpty) diagnostics.Error(mapping.Position, mapping.Reference, "destinations", "is missing", "name services, collection:NAME or all");
            foreach (string source in mapping.Sources) Check(mapping, "sources", source, services, collections, diagnostics);
            foreach (string destination in mapping.Destinations)
            {
                Check(mapping, "destinations", destination, services, collections, diagnostics);
                if (services.TryGetValue((mapping.Cluster, destination), out Service? service) && service.Addresses.IsEmpty)
                {
                    diagnostics.Error(
                        mapping.Position, mapping.Reference, "destinations", $"the service {destination} has no addresses", $"give service/{destination} addresses, or take it out");
                }
            }

            if (mapping.Listen is not null) CheckListen(mapping, diagnostics);
            foreach (int port in mapping.PortMap.Keys)
            {
                if (!mapping.Ports.Contains(port))
                {
                    diagnostics.Warning(mapping.Position, mapping.Reference, "portMap", $"port {port} is not among the mapping's ports", $"add {port} to ports, or take it out");
                }
            }
        }
    }

    private static void CheckListen(Mapping mapping, DiagnosticList diagnostics)
    {
        void Error(string message, string mend) => diagnostics.Error(mapping.Position, mapping.Reference, "listen", message, mend);
        if (mapping.Destinations is not [{ } only] || only == "all" || only.StartsWith(CollectionPrefix, StringComparison.Ordinal))
        {
            Error("a port of its own leads to one service", "name exactly one service under destinations");
        }

        if (mapping.Auth is MappingAuth.Token or MappingAuth.Jwt) Error("a client of a plain port can show no token", "write auth: none, and give the source addresses");
        EgressProtocols needed = mapping.Listen!.Protocol == "udp" ? EgressProtocols.Udp : EgressProtocols.Tcp;
        if ((mapping.Protocols & needed) == 0) Error($"the mapping does not allow {mapping.Listen.Protocol}", $"add {mapping.Listen.Protocol} to protocols");
    }

    private static void Check(
        Mapping mapping, string field, string party, Dictionary<(string Cluster, string Name), Service> services,
        HashSet<(string Cluster, string Collection)> collections, DiagnosticList diagnostics)
    {
        if (party == "all") return;
        bool collection = party.StartsWith(CollectionPrefix, StringComparison.Ordinal);
        bool exists = collection
            ? collections.Contains((mapping.Cluster, party[CollectionPrefix.Length..]))
            : services.ContainsKey((mapping.Cluster, party));
        if (exists) return;
        IEnumerable<string> known = services.Keys.Where(k => k.Cluster == mapping.Cluster).Select(k => k.Name)
            .Concat(collections.Where(c => c.Cluster == mapping.Cluster).Select(c => CollectionPrefix + c.Collection));
        string? near = Suggestion.For(party, known);
        diagnostics.Error(
            mapping.Position, mapping.Reference, field, collection ? $"no service has the {party}" : $"there is no service \"{party}\"",
            near is null ? "add it under services, or take the name out" : $"did you mean {near}?");
    }
}
