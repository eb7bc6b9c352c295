using System.Collections.Immutable;
using System.Net;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Reads services.</summary>
internal static class ServiceBinder
{
    private const int MinToken = 4, MaxToken = 512;

    public static Service Bind(FieldReader fields, Header header) => new()
    {
        Name = header.Name,
        Cluster = header.Cluster,
        Description = header.Description,
        Labels = header.Labels,
        Position = header.Position,
        Addresses = Addresses(fields),
        Ports = Ports(fields, "ports"),
        Protocol = fields.Choice("protocol", "http", ("http", "http"), ("https", "https"), ("h2c", "h2c"), ("tcp", "tcp"), ("udp", "udp"), ("icmp", "icmp")),
        Collection = fields.Text("collection"),
        Auth = Auth(fields.Map("auth")),
        Resolve = Resolve(fields),
        AllowAddresses = Networks(fields, "allowAddresses"),
        Tls = Tls(fields.Map("tls")),
        Owners = fields.Texts("owners"),
        Limits = Limits(fields.Map("limits")),
        ProxyProtocol = fields.Choice("proxyProtocol", false, ("true", true), ("false", false)),
        Health = RouteRulesBinder.Health(fields.Map("health")),
        Outlier = RouteRulesBinder.Outlier(fields.Map("outlier")),
        Circuit = RouteTrafficBinder.Circuit(fields.Map("circuit")),
        SlowStart = RouteTrafficBinder.SlowStart(fields.Map("slowStart")),
        Weights = RouteTrafficBinder.Weights(fields),
    };

    private static ServiceLimits? Limits(FieldReader? fields)
    {
        if (fields is null) return null;
        var limits = new ServiceLimits
        {
            RequestsPerSecond = (int)fields.Number("requestsPerSecond", 0, 0, 10_000_000),
            Tunnels = (int)fields.Number("tunnels", 0, 0, 10_000_000),
        };
        fields.Finish();
        return limits;
    }

    private static ServiceTls? Tls(FieldReader? fields)
    {
        if (fields is null) return null;
        var tls = new ServiceTls
        {
            ServerName = fields.Text("serverName"),
            Ca = fields.Secret("ca", literalIsFine: true) ?? "",
            InsecureSkipVerify = fields.Choice("insecureSkipVerify", false, ("true", true), ("false", false)),
            Certificate = fields.Text("certificate"),
            Alpn = fields.Texts("alpn"),
        };
        fields.Finish();
        return tls;
    }

    public static PortSet Ports(FieldReader fields, string field)
    {
        Node? node = fields.Find(field);
        if (node is null) return PortSet.Any;
        string text = node switch
        {
            ScalarNode scalar => scalar.Value,
            ListNode list when list.Items.All(i => i is ScalarNode) => string.Join(',', list.Items.Select(i => ((ScalarNode)i).Value)),
            _ => "",
        };
        if (PortSet.TryParse(text, out PortSet ports, out string fault)) return ports;
        fields.Wrong(node, field, $"\"{fault}\" is not a port or a range", "write a port (443), a range (8000-8099) or a list (443,8443), each from 1 to 65535");
        return PortSet.Any;
    }

    /// <summary>Normalises names here, so that everything later compares them byte by byte.</summary>
    private static ImmutableArray<string> Addresses(FieldReader fields)
    {
        var result = ImmutableArray.CreateBuilder<string>();
        foreach (Node item in fields.Items("addresses"))
        {
            string text = (item as ScalarNode)?.Value ?? "";
            if (!HostPattern.TryParse(text, out HostPattern pattern, out string mend)) fields.Wrong(item, "addresses", $"{FieldReader.Shown(item)} is not an address", mend);
            else result.Add(pattern.Kind switch { HostPatternKind.Name => pattern.Name, HostPatternKind.Suffix => "*." + pattern.Name, _ => text });
        }

        return result.ToImmutable();
    }

    private static ImmutableArray<IPNetwork> Networks(FieldReader fields, string field)
    {
        var result = ImmutableArray.CreateBuilder<IPNetwork>();
        foreach (Node item in fields.Items(field))
        {
            if (item is ScalarNode scalar && HostPattern.TryNetwork(scalar.Value, out IPNetwork network)) result.Add(network);
            else fields.Wrong(item, field, $"{FieldReader.Shown(item)} is not a network", "write 10.0.0.0/8, 10.1.2.3 or fd00::/8");
        }

        return result.ToImmutable();
    }

    private static ImmutableDictionary<string, ImmutableArray<IPAddress>> Resolve(FieldReader fields)
    {
        var result = ImmutableDictionary.CreateBuilder<string, ImmutableArray<IPAddress>>();
        foreach ((ScalarNode key, Node value) in fields.Entries("resolve"))
        {
            bool named = HostPattern.TryParse(key.Value, out HostPattern pattern, out _) && pattern.Kind != HostPatternKind.Network;
            if (!named) fields.Wrong(key, "resolve", $"\"{key.Value}\" is not a host name", "write the name, or *.name, that the answer is for");
            IReadOnlyList<Node> items = value is ListNode list ? list.Items : [value];
            var addresses = ImmutableArray.CreateBuilder<IPAddress>();
            foreach (Node item in items)
            {
                if (item is ScalarNode scalar && HostName.TryParseAddress(scalar.Value, out IPAddress? address)) addresses.Add(address);
                else fields.Wrong(item, "resolve", $"{FieldReader.Shown(item)} is not an IP address");
            }

            if (named) result[pattern.Kind == HostPatternKind.Suffix ? "*." + pattern.Name : pattern.Name] = addresses.ToImmutable();
        }

        return result.ToImmutable();
    }

    private static ServiceAuth Auth(FieldReader? fields)
    {
        if (fields is null) return ServiceAuth.None;
        var auth = new ServiceAuth
        {
            Type = fields.Choice("type", AuthType.None, ("none", AuthType.None), ("token", AuthType.Token), ("jwt", AuthType.Jwt), ("mtls", AuthType.Mtls)),
            Token = Token(fields, "token"),
            PreviousToken = Token(fields, "previousToken"),
            PreviousUntil = fields.Time("previousUntil"),
            Algorithm = fields.Choice("algorithm", "HS256", ("HS256", "HS256"), ("HS384", "HS384"), ("HS512", "HS512"), ("RS256", "RS256"), ("ES256", "ES256")),
            Secret = fields.Secret("secret"),
            PreviousSecret = fields.Secret("previousSecret"),
            Issuer = fields.Find("issuer") is ScalarNode issuer ? issuer.Value : null,
            Audience = fields.Find("audience") is ScalarNode audience ? audience.Value : null,
            Jwks = fields.Find("jwks") is ScalarNode jwks ? jwks.Value : null,
            Names = fields.Texts("names"),
        };
        fields.Finish();
        return auth;
    }

    /// <summary>A token, hashed as soon as it is read; or its hash, as a store keeps it, in the field with <c>Hash</c> after its name. A token wins over a hash.</summary>
    private static SecretHash? Token(FieldReader fields, string field)
    {
        Node? kept = fields.Find(field + "Hash");
        if (fields.Secret(field) is not { } token)
        {
            if (kept is null) return null;
            if (kept is ScalarNode scalar && SecretHash.TryParse(scalar.Value, out SecretHash? hash)) return hash;
            fields.Wrong(kept, field + "Hash", "is not the hash of a token", "write sha256: and 64 hexadecimal digits");
            return null;
        }

        Node at = fields.Find(field)!;
        if (token.Length is < MinToken or > MaxToken) fields.Wrong(at, field, $"has {token.Length} characters", $"use 32 random bytes in base64; from {MinToken} to {MaxToken} characters are taken");
        if (token.Any(c => c is < '!' or > '~')) fields.Wrong(at, field, "holds a character that HTTP credentials cannot", "use printable ASCII, best base64");
        return SecretHash.Of(token);
    }
}
