using System.Text.Json;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <content>The fields of each kind, in the order in which the documentation names them.</content>
public static partial class ResourceWriter
{
    private static void Service(Utf8JsonWriter json, Service service, bool redact)
    {
        Texts(json, "addresses", service.Addresses);
        Text(json, "ports", service.Ports.ToString());
        if (service.Protocol != "http") json.WriteString("protocol", service.Protocol);
        Text(json, "collection", service.Collection);
        if (service.Auth != ServiceAuth.None) Auth(json, service.Auth, redact);
        Map(json, "resolve", service.Resolve.OrderBy(r => r.Key, StringComparer.Ordinal), (name, addresses) => Texts(json, name, [.. addresses.Select(a => a.ToString())]));
        Texts(json, "allowAddresses", [.. service.AllowAddresses.Select(n => n.ToString())]);
        if (service.Tls is { } tls)
        {
            json.WriteStartObject("tls");
            Text(json, "serverName", tls.ServerName);
            Text(json, "ca", tls.Ca);
            if (tls.InsecureSkipVerify) json.WriteBoolean("insecureSkipVerify", true);
            Text(json, "certificate", tls.Certificate);
            Texts(json, "alpn", tls.Alpn);
            json.WriteEndObject();
        }

        Texts(json, "owners", service.Owners);
        RouteRulesWriter.Write(json, service);
        RouteTrafficWriter.Write(json, service);
        if (service.Limits is not { } limits) return;
        json.WriteStartObject("limits");
        if (limits.RequestsPerSecond != 0) json.WriteNumber("requestsPerSecond", limits.RequestsPerSecond);
        if (limits.Tunnels != 0) json.WriteNumber("tunnels", limits.Tunnels);
        json.WriteEndObject();
    }

    private static void Auth(Utf8JsonWriter json, ServiceAuth auth, bool redact)
    {
        json.WriteStartObject("auth");
        json.WriteString("type", auth.Type switch { AuthType.Token => "token", AuthType.Jwt => "jwt", AuthType.Mtls => "mtls", _ => "none" });
        if (!redact)
        {
            Text(json, "tokenHash", auth.Token?.ToString());
            Text(json, "previousTokenHash", auth.PreviousToken?.ToString());
            Text(json, "secret", auth.Secret);
            Text(json, "previousSecret", auth.PreviousSecret);
        }

        Time(json, "previousUntil", auth.PreviousUntil);
        if (auth.Algorithm != "HS256") json.WriteString("algorithm", auth.Algorithm);
        Text(json, "issuer", auth.Issuer);
        Text(json, "audience", auth.Audience);
        Text(json, "jwks", auth.Jwks);
        Texts(json, "names", auth.Names);
        json.WriteEndObject();
    }

    private static void Mapping(Utf8JsonWriter json, Mapping mapping)
    {
        Texts(json, "sources", mapping.Sources);
        Texts(json, "destinations", mapping.Destinations);
        if (mapping.Protocols != (EgressProtocols.Tcp | EgressProtocols.Http | EgressProtocols.Https)) Texts(json, "protocols", Names(mapping.Protocols));
        Text(json, "ports", mapping.Ports.ToString());
        Map(json, "portMap", mapping.PortMap.OrderBy(p => p.Key), (from, to) => json.WriteNumber(from, to));
        if (mapping.Effect != MappingEffect.Allow) json.WriteString("effect", mapping.Effect == MappingEffect.Deny ? "deny" : "report");
        if (mapping.Priority != 100) json.WriteNumber("priority", mapping.Priority);
        if (mapping.Auth != MappingAuth.Inherit)
        {
            json.WriteString("auth", mapping.Auth switch { MappingAuth.Token => "token", MappingAuth.Jwt => "jwt", MappingAuth.Mtls => "mtls", _ => "none" });
        }

        if (mapping.RateLimit != 0) json.WriteNumber("rateLimit", mapping.RateLimit);
        Duration(json, "timeout", mapping.Timeout);
        Time(json, "expiresAt", mapping.ExpiresAt);
        Text(json, "justification", mapping.Justification);
        if (mapping.Approval != Approval.Approved) json.WriteString("approval", mapping.Approval == Approval.Pending ? "pending" : "rejected");
        if (mapping.Listen is not { } listen) return;
        json.WriteStartObject("listen");
        if (listen.Address != "127.0.0.1") json.WriteString("address", listen.Address);
        json.WriteNumber("port", listen.Port);
        if (listen.Protocol != "tcp") json.WriteString("protocol", listen.Protocol);
        if (listen.ServicePort != 0) json.WriteNumber("servicePort", listen.ServicePort);
        json.WriteEndObject();
    }

    private static List<string> Names(EgressProtocols protocols)
    {
        var names = new List<string>();
        if ((protocols & EgressProtocols.Tcp) != 0) names.Add("tcp");
        if ((protocols & EgressProtocols.Udp) != 0) names.Add("udp");
        if ((protocols & EgressProtocols.Icmp) != 0) names.Add("icmp");
        if ((protocols & EgressProtocols.Http) != 0) names.Add("http");
        if ((protocols & EgressProtocols.Https) != 0) names.Add("https");
        return names;
    }

    private static void Route(Utf8JsonWriter json, Route route, bool redact)
    {
        Texts(json, "hosts", route.Hosts);
        Texts(json, "clientNames", route.ClientNames);
        Objects(json, "paths", route.Paths, path => json.WriteString(
            path.Kind switch { PathMatchKind.Exact => "exact", PathMatchKind.Regex => "regex", _ => "prefix" }, path.Value));
        Texts(json, "methods", route.Methods);
        RouteRulesWriter.Write(json, route);
        RouteTrafficWriter.Write(json, route, redact);
        Objects(json, "backends", route.Backends, backend =>
        {
            json.WriteString("service", backend.Service);
            json.WriteNumber("weight", backend.Weight);
        });
        if (route.Retries != 2) json.WriteNumber("retries", route.Retries);
        Duration(json, "timeout", route.Timeout);
        Text(json, "stripPrefix", route.StripPrefix);
        Text(json, "addPrefix", route.AddPrefix);
        Changes(json, "requestHeaders", route.RequestHeaders);
        Changes(json, "responseHeaders", route.ResponseHeaders);
        if (route.Priority != 100) json.WriteNumber("priority", route.Priority);
    }

    private static void Changes(Utf8JsonWriter json, string field, IReadOnlyCollection<FieldChange> changes)
    {
        if (changes.Count == 0) return;
        json.WriteStartObject(field);
        foreach (string action in new[] { "set", "add" })
        {
            Map(json, action, changes.Where(c => c.Action == action).Select(c => KeyValuePair.Create(c.Name, c.Value)), (name, value) => json.WriteString(name, value));
        }

        Texts(json, "remove", [.. changes.Where(c => c.Action == "remove").Select(c => c.Name)]);
        json.WriteEndObject();
    }

    private static void Listener(Utf8JsonWriter json, Listener listener)
    {
        if (listener.Address != "127.0.0.1") json.WriteString("address", listener.Address);
        json.WriteNumber("port", listener.Port);
        json.WriteString("purpose", listener.Purpose switch
        {
            ListenerPurpose.ForwardProxy => "forward-proxy",
            ListenerPurpose.Dedicated => "dedicated",
            ListenerPurpose.Transparent => "transparent",
            ListenerPurpose.Database => "database",
            ListenerPurpose.Syslog => "syslog",
            _ => "ingress",
        });
        json.WriteString("protocol", listener.Protocol);
        Text(json, "service", listener.Service);
        if (listener.ServicePort != 0) json.WriteNumber("servicePort", listener.ServicePort);
        if (listener.Queue != 0) json.WriteNumber("queue", listener.Queue);
        if (listener.Via != "tproxy") json.WriteString("via", listener.Via);
        if (listener.ProxyProtocol) json.WriteBoolean("proxyProtocol", true);
        if (listener.MaxConnectionsPerAddress != 0) json.WriteNumber("maxConnectionsPerAddress", listener.MaxConnectionsPerAddress);
        Text(json, "engine", listener.Engine);
        Text(json, "database", listener.Database);
        Text(json, "source", listener.Source);
        if (listener.AccessLog is { } log) RouteTrafficWriter.Write(json, log);
        if (listener.Tls is not { } tls) return;
        json.WriteStartObject("tls");
        Texts(json, "certificates", tls.Certificates);
        if (tls.MinVersion != "1.2") json.WriteString("minVersion", tls.MinVersion);
        Texts(json, "alpn", tls.Alpn);
        Texts(json, "ciphers", tls.Ciphers);
        Text(json, "clientCa", tls.ClientCa);
        Texts(json, "clientNames", tls.ClientNames);
        json.WriteEndObject();
    }

    private static void Objects<T>(Utf8JsonWriter json, string field, IReadOnlyCollection<T> items, Action<T> write)
    {
        if (items.Count == 0) return;
        json.WriteStartArray(field);
        foreach (T item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
