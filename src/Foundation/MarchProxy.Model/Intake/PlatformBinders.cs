using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Reads clusters, listeners and certificates.</summary>
internal static class PlatformBinders
{
    public static Cluster Cluster(FieldReader fields, Header header) => new()
    {
        Name = header.Name,
        Cluster = header.Name,
        Description = header.Description,
        Labels = header.Labels,
        Position = header.Position,
        MaxProxies = (int)fields.Number("maxProxies", 3, 1, 1000),
    };

    public static Listener Listener(FieldReader fields, Header header)
    {
        ListenerPurpose purpose = fields.Choice(
            "purpose", ListenerPurpose.Ingress, ("ingress", ListenerPurpose.Ingress), ("forward-proxy", ListenerPurpose.ForwardProxy),
            ("dedicated", ListenerPurpose.Dedicated), ("transparent", ListenerPurpose.Transparent), ("database", ListenerPurpose.Database), ("syslog", ListenerPurpose.Syslog));
        bool database = purpose == ListenerPurpose.Database;
        return new Listener
        {
            Name = header.Name,
            Cluster = header.Cluster,
            Description = header.Description,
            Labels = header.Labels,
            Position = header.Position,
            Purpose = purpose,
            Address = fields.Text("address", "127.0.0.1"),
            Port = (int)fields.Number("port", 0, 0, 65535),
            Protocol = fields.Choice(
                "protocol", purpose is ListenerPurpose.Dedicated or ListenerPurpose.Transparent ? "tcp" : "http", ("http", "http"), ("https", "https"), ("tcp", "tcp"), ("udp", "udp"), ("icmp", "icmp")),
            Queue = purpose == ListenerPurpose.Transparent ? (int)fields.Number("queue", 0, 0, 65535) : 0,
            Service = fields.Text("service"),
            ServicePort = (int)fields.Number("servicePort", 0, 0, 65535),
            Via = purpose == ListenerPurpose.Transparent ? fields.Choice("via", "tproxy", ("tproxy", "tproxy"), ("redirect", "redirect")) : "tproxy",
            ProxyProtocol = fields.Choice("proxyProtocol", false, ("true", true), ("false", false)),
            MaxConnectionsPerAddress = (int)fields.Number("maxConnectionsPerAddress", 0, 0, 10_000_000),
            Engine = database ? fields.Text("engine") : "",
            Database = database ? fields.Text("database") : "",
            Source = purpose == ListenerPurpose.Syslog ? fields.Text("source") : "",
            Tls = Tls(fields.Map("tls")),
            AccessLog = RouteTrafficBinder.Log(fields.Map("accessLog")),
        };
    }

    public static Certificate Certificate(FieldReader fields, Header header) => new()
    {
        Name = header.Name,
        Cluster = header.Cluster,
        Description = header.Description,
        Labels = header.Labels,
        Position = header.Position,
        Chain = fields.Secret("chain", literalIsFine: true) ?? "",
        Key = fields.Secret("key") ?? "",
        Staple = fields.Choice("ocsp", false, ("off", false), ("staple", true)),
    };

    private static ListenerTls? Tls(FieldReader? fields)
    {
        if (fields is null) return null;
        var tls = new ListenerTls
        {
            Certificates = fields.Texts("certificates"),
            MinVersion = fields.Choice("minVersion", "1.2", ("1.2", "1.2"), ("1.3", "1.3")),
            Alpn = fields.Texts("alpn"),
            Ciphers = fields.Texts("ciphers"),
            ClientCa = fields.Secret("clientCa", literalIsFine: true),
            ClientNames = fields.Texts("clientNames"),
        };
        fields.Finish();
        return tls;
    }
}
