using System.Net;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>Listeners: an address of our own, free of each other, with what their purpose needs.</summary>
internal static class ListenerValidator
{
    public static void Validate(ResourceSet set, DiagnosticList diagnostics)
    {
        var taken = new Dictionary<(string Cluster, string Address, int Port, bool Udp), Listener>();
        var queues = new Dictionary<(string Cluster, int Queue), Listener>();
        var services = set.Services.Select(s => (s.Cluster, s.Name)).ToHashSet();
        foreach (Listener listener in set.Listeners.Concat(set.Mappings.Where(m => m.Listen is not null).Select(MappingListen.ToListener)))
        {
            void Error(string field, string message, string mend) => diagnostics.Error(listener.Position, listener.Reference, field, message, mend);
            bool unix = listener.Address.StartsWith("unix:/", StringComparison.Ordinal);
            if (!unix && !IPAddress.TryParse(listener.Address, out _)) Error("address", $"\"{listener.Address}\" is not an IP address", "write 127.0.0.1, 0.0.0.0, ::, or unix:/path");
            var key = (listener.Cluster, listener.Address, listener.Port, listener.Protocol == "udp");
            if (listener.Port > 0 && !taken.TryAdd(key, listener))
            {
                Listener other = taken[key];
                Error("port", $"{other.Reference} listens on {listener.Address}:{listener.Port} already", "choose another port");
            }

            if (listener.Protocol == "udp" && listener.Purpose is ListenerPurpose.Ingress or ListenerPurpose.ForwardProxy) Error("protocol", "this purpose does not speak UDP", "write protocol: http");
            bool stream = listener.Purpose is ListenerPurpose.Ingress or ListenerPurpose.ForwardProxy or ListenerPurpose.Database || (listener.Purpose == ListenerPurpose.Dedicated && listener.Protocol == "tcp");
            if (listener.ProxyProtocol && !stream) Error("proxyProtocol", "this purpose does not take PROXY headers", "take it out");
            if (listener.Purpose == ListenerPurpose.Transparent && listener.Protocol is not ("tcp" or "icmp")) Error("protocol", $"a transparent listener cannot speak {listener.Protocol}", "write protocol: tcp or icmp");
            if (listener.Protocol == "icmp") CheckIcmp(listener, queues, Error);
            if (listener.Purpose == ListenerPurpose.Dedicated) CheckDedicated(services, listener, Error);
            if (listener.Tls is { } tls) CheckTls(set, listener, tls, Error);
            else if (listener.Protocol == "https") Error("tls", "is missing", "write tls: { certificates: [NAME] }");
        }

        foreach (Certificate certificate in set.Certificates)
        {
            if (!certificate.Chain.Contains("BEGIN CERTIFICATE", StringComparison.Ordinal)) diagnostics.Error(certificate.Position, certificate.Reference, "chain", "is not a certificate in PEM", "write chain: file:PATH to a PEM file");
            if (!certificate.Key.Contains("PRIVATE KEY", StringComparison.Ordinal)) diagnostics.Error(certificate.Position, certificate.Reference, "key", "is not a private key in PEM", "write key: file:PATH to a PEM file");
        }
    }

    private static void CheckIcmp(Listener listener, Dictionary<(string Cluster, int Queue), Listener> queues, Action<string, string, string> error)
    {
        if (listener.Purpose != ListenerPurpose.Transparent) error("protocol", "only a transparent listener takes ICMP", "write purpose: transparent");
        if (listener.Port != 0) error("port", "ICMP has no ports", "take it out, and write the number of the packet queue as queue");
        if (!queues.TryAdd((listener.Cluster, listener.Queue), listener)) error("queue", $"{queues[(listener.Cluster, listener.Queue)].Reference} has packet queue {listener.Queue} already", "choose another");
    }

    private static void CheckDedicated(HashSet<(string Cluster, string Name)> services, Listener listener, Action<string, string, string> error)
    {
        if (listener.Protocol is not ("tcp" or "udp")) error("protocol", $"a dedicated listener cannot speak {listener.Protocol}", "write protocol: tcp or udp");
        if (listener.Protocol == "udp" && listener.Address.StartsWith("unix:", StringComparison.Ordinal)) error("address", "UDP has no Unix sockets here", "write an IP address");
        if (listener.Service.Length == 0) error("service", "is missing", "name the service that it leads to");
        else if (!services.Contains((listener.Cluster, listener.Service)))
        {
            string? near = Suggestion.For(listener.Service, services.Where(s => s.Cluster == listener.Cluster).Select(s => s.Name));
            error("service", $"there is no service \"{listener.Service}\"", near is null ? "add it under services" : $"did you mean {near}?");
        }
    }

    private static void CheckTls(ResourceSet set, Listener listener, ListenerTls tls, Action<string, string, string> error)
    {
        if (listener.Purpose is not (ListenerPurpose.Ingress or ListenerPurpose.ForwardProxy or ListenerPurpose.Database)) error("tls", "this purpose takes no TLS", "take it out");
        foreach (string protocol in tls.Alpn.Where(p => p is not ("h2" or "http/1.1"))) error("tls.alpn", $"\"{protocol}\" is not offered here", "write alpn: [h2, http/1.1], or one of them");
        if (tls.Alpn.Contains("h2") && listener.Purpose is not (ListenerPurpose.Ingress or ListenerPurpose.ForwardProxy)) error("tls.alpn", "only an ingress and a forward proxy speak HTTP/2", "take h2 out");
        if (!tls.ClientNames.IsEmpty && tls.ClientCa is null) error("tls.clientNames", "nobody has verified the names without a CA", "write tls.clientCa too");
        foreach (string cipher in tls.Ciphers.Where(c => c.Length == 0 || c.Any(x => x is not ((>= 'A' and <= 'Z') or (>= '0' and <= '9') or '-' or '_')))) error("tls.ciphers", $"\"{cipher}\" is not a cipher's name", "write OpenSSL's names, one an item: ECDHE-RSA-AES128-GCM-SHA256 or TLS_AES_128_GCM_SHA256");
        if (tls.Certificates.IsEmpty) error("tls.certificates", "is missing", "name a certificate");
        foreach (string name in tls.Certificates)
        {
            if (set.Certificates.Any(c => c.Cluster == listener.Cluster && c.Name == name)) continue;
            string? near = Suggestion.For(name, set.Certificates.Select(c => c.Name));
            error("tls.certificates", $"there is no certificate \"{name}\"", near is null ? "add it under certificates" : $"did you mean {near}?");
        }
    }
}
