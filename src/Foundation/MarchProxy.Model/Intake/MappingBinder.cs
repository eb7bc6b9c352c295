using System.Collections.Immutable;
using System.Globalization;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Reads mappings.</summary>
internal static class MappingBinder
{
    private static readonly Dictionary<string, EgressProtocols> s_protocols = new()
    {
        ["tcp"] = EgressProtocols.Tcp,
        ["udp"] = EgressProtocols.Udp,
        ["icmp"] = EgressProtocols.Icmp,
        ["http"] = EgressProtocols.Http,
        ["https"] = EgressProtocols.Https,
    };

    public static Mapping Bind(FieldReader fields, Header header) => new()
    {
        Name = header.Name,
        Cluster = header.Cluster,
        Description = header.Description,
        Labels = header.Labels,
        Position = header.Position,
        Sources = fields.Texts("sources"),
        Destinations = fields.Texts("destinations"),
        Protocols = Protocols(fields),
        Ports = ServiceBinder.Ports(fields, "ports"),
        PortMap = PortMap(fields),
        Effect = fields.Choice("effect", MappingEffect.Allow, ("allow", MappingEffect.Allow), ("deny", MappingEffect.Deny), ("report", MappingEffect.Report)),
        Priority = (int)fields.Number("priority", 100, 1, 1000),
        Auth = fields.Choice(
            "auth", MappingAuth.Inherit, ("inherit", MappingAuth.Inherit), ("token", MappingAuth.Token), ("jwt", MappingAuth.Jwt),
            ("mtls", MappingAuth.Mtls), ("none", MappingAuth.None)),
        RateLimit = (int)fields.Number("rateLimit", 0, 0, 1_000_000),
        Timeout = fields.Duration("timeout"),
        ExpiresAt = fields.Time("expiresAt"),
        Justification = fields.Text("justification"),
        Approval = fields.Choice("approval", Approval.Approved, ("approved", Approval.Approved), ("pending", Approval.Pending), ("rejected", Approval.Rejected)),
        Listen = Listen(fields),
    };

    /// <summary><c>listen: 5000</c>, or a map with address, port, protocol and servicePort.</summary>
    private static MappingListen? Listen(FieldReader fields)
    {
        if (fields.Find("listen") is ScalarNode) return new MappingListen { Port = (int)fields.Number("listen", 0, 1, 65535) };
        if (fields.Map("listen") is not { } listen) return null;
        var result = new MappingListen
        {
            Address = listen.Text("address", "127.0.0.1"),
            Port = (int)listen.Number("port", 0, 0, 65535),
            Protocol = listen.Choice("protocol", "tcp", ("tcp", "tcp"), ("udp", "udp")),
            ServicePort = (int)listen.Number("servicePort", 0, 0, 65535),
        };
        listen.Finish();
        return result;
    }

    private static EgressProtocols Protocols(FieldReader fields)
    {
        IReadOnlyList<Node> items = fields.Items("protocols");
        if (items.Count == 0) return EgressProtocols.Tcp | EgressProtocols.Http | EgressProtocols.Https;
        EgressProtocols result = EgressProtocols.None;
        foreach (Node item in items)
        {
            if (item is ScalarNode scalar && s_protocols.TryGetValue(scalar.Value, out EgressProtocols protocol)) result |= protocol;
            else fields.Wrong(item, "protocols", $"{FieldReader.Shown(item)} is not a protocol", "write tcp, udp, icmp, http or https");
        }

        return result;
    }

    private static ImmutableDictionary<int, int> PortMap(FieldReader fields)
    {
        var result = ImmutableDictionary.CreateBuilder<int, int>();
        foreach ((ScalarNode key, Node value) in fields.Entries("portMap"))
        {
            if (Port(key, out int from) && Port(value, out int to)) result[from] = to;
            else fields.Wrong(value, "portMap", $"\"{key.Value}\": {FieldReader.Shown(value)} is not a pair of ports", "write { \"80\": 9000 }");
        }

        return result.ToImmutable();
    }

    private static bool Port(Node node, out int port)
    {
        port = 0;
        return node is ScalarNode scalar && int.TryParse(scalar.Value, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
    }
}
