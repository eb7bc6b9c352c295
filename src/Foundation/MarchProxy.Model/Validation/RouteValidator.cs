using System.Text.RegularExpressions;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>Routes: hosts and paths that can match, backends that exist.</summary>
internal static class RouteValidator
{
    public static void Validate(ResourceSet set, DiagnosticList diagnostics)
    {
        var services = set.Services.GroupBy(s => (s.Cluster, s.Name)).ToDictionary(g => g.Key, g => g.First());
        foreach (Route route in set.Routes)
        {
            void Error(string field, string message, string mend) => diagnostics.Error(route.Position, route.Reference, field, message, mend);
            foreach (string host in route.Hosts)
            {
                bool fine = HostPattern.TryParse(host, out HostPattern _, out string mend);
                if (!fine) Error("hosts", $"\"{host}\" is not a host", mend);
            }

            if (!route.ClientNames.IsEmpty && !set.Listeners.Any(l => l.Cluster == route.Cluster && l.Tls?.ClientCa is not null)) diagnostics.Warning(route.Position, route.Reference, "clientNames", "no listener asks clients for certificates, so that nobody is let in", "write tls.clientCa at the listener");
            foreach (PathMatch path in route.Paths)
            {
                if (path.Kind != PathMatchKind.Regex && !path.Value.StartsWith('/')) Error("paths", $"\"{path.Value}\" does not begin with a slash", $"write /{path.Value}");
                if (path.Kind == PathMatchKind.Regex && RegexFault(path.Value) is { } fault) Error("paths", $"\"{path.Value}\" is not a regular expression: {fault}", "look-around and back-references are not taken");
            }

            foreach (FieldMatch match in route.Headers.Concat(route.Query).Where(m => m.Kind == FieldMatchKind.Regex))
            {
                if (RegexFault(match.Value) is { } fault) Error("headers", $"\"{match.Value}\" is not a regular expression: {fault}", "look-around and back-references are not taken");
            }

            if (route.HashOn != "address" && !Named(route.HashOn, "header:") && !Named(route.HashOn, "cookie:")) Error("hashOn", $"\"{route.HashOn}\" is nothing to hash", "write address, header:NAME or cookie:NAME");
            if (route.RateLimit is { } limit && limit.Key is not ("address" or "route" or "authorization") && !Named(limit.Key, "header:") && !Named(limit.Key, "cookie:")) Error("rateLimit.key", $"\"{limit.Key}\" is no key", "write address, route, authorization, header:NAME or cookie:NAME");
            if (route.Redirect is { } redirect)
            {
                if (redirect is { Scheme: "", Host: "", Path: "" }) Error("redirect", "leads to where the client is", "write scheme, host or path");
                if ((redirect.Host + redirect.Path).Any(c => c is <= ' ' or > '~')) Error("redirect", "holds a character that a Location cannot", "use printable ASCII");
                if (redirect.Path.Length > 0 && redirect.Path[0] != '/') Error("redirect.path", $"\"{redirect.Path}\" does not begin with a slash", $"write /{redirect.Path}");
                if (!route.Backends.IsEmpty) Error("redirect", "a route either redirects or has backends", "take one of them out");
                continue;
            }

            if (route.Backends.IsEmpty) Error("backends", "is missing", "write backends: [{ service: NAME, weight: 100 }]");
            else if (route.Backends.All(b => b.Weight == 0)) Error("backends", "every weight is 0", "give one a weight above 0");
            foreach (Backend backend in route.Backends)
            {
                if (backend.Service.Length == 0) continue;
                if (!services.TryGetValue((route.Cluster, backend.Service), out Service? service))
                {
                    string? near = Suggestion.For(backend.Service, services.Keys.Where(k => k.Cluster == route.Cluster).Select(k => k.Name));
                    Error("backends", $"there is no service \"{backend.Service}\"", near is null ? "add it under services" : $"did you mean {near}?");
                }
                else if (!HasTarget(service))
                {
                    Error("backends", $"the service {backend.Service} has no address that can be dialled", "give it an IP address or a host name without *");
                }
                else if (service.Protocol is not ("http" or "https" or "h2c" or "tcp"))
                {
                    Error("backends", $"the service {backend.Service} speaks {service.Protocol}, which a route cannot send to", "write protocol: http or https");
                }
            }

            foreach (FieldChange change in route.RequestHeaders.Concat(route.ResponseHeaders))
            {
                if (change.Value.Any(c => c is < ' ' or > '~')) Error("requestHeaders", $"the value of {change.Name} holds a character that a header field cannot", "use printable ASCII");
            }
        }
    }

    private static bool Named(string text, string kind) => text.StartsWith(kind, StringComparison.Ordinal) && text.Length > kind.Length && text.AsSpan(kind.Length).IndexOfAnyExceptInRange('!', '~') < 0;

    public static bool HasTarget(Service service) => service.Addresses.Any(a =>
        HostPattern.TryParse(a, out HostPattern p, out _)
        && (p.Kind == HostPatternKind.Name || (p.Kind == HostPatternKind.Network && p.Network.PrefixLength == (p.Network.BaseAddress.GetAddressBytes().Length * 8))));

    public static string? RegexFault(string pattern)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return null;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return e.Message;
        }
    }
}
