using System.Collections.Immutable;
using System.Net;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>What routes and services say of the traffic that passes.</summary>
internal static class TrafficValidator
{
    private static readonly string[] s_retryOn = ["connect-failure", "reset", "timeout", "gateway-error", "5xx"];

    public static void Validate(ResourceSet set, DiagnosticList diagnostics)
    {
        ILookup<string, Service> services = set.Services.ToLookup(s => s.Cluster, StringComparer.Ordinal);
        foreach (Route route in set.Routes)
        {
            void Error(string field, string message, string mend) => diagnostics.Error(route.Position, route.Reference, field, message, mend);
            void Warning(string field, string message, string mend) => diagnostics.Warning(route.Position, route.Reference, field, message, mend);
            if (route.Compression is { } compression) CheckCompression(compression, Error);
            if (route.Mirror is { Service.Length: > 0 } mirror) CheckMirror(route, mirror, services[route.Cluster], Error);
            if (route.Affinity is { } affinity) CheckAffinity(affinity, Error, Warning);
            if (route.Rewrite is { } rewrite) CheckRewrite(route, rewrite, Error);
            if (route.Waf is { } waf) CheckWaf(waf, Error);
            foreach (string condition in route.RetryOn.Where(c => !s_retryOn.Contains(c) && !IsStatus(c)))
            {
                string? near = Suggestion.For(condition, s_retryOn);
                Error("retryOn", $"\"{condition}\" is nothing to try again after", near is null ? $"write {string.Join(", ", s_retryOn)} or a status from 400 to 599" : $"did you mean {near}?");
            }

            if (route.TryTimeout > TimeSpan.Zero && route.Timeout > TimeSpan.Zero && route.TryTimeout > route.Timeout) Error("tryTimeout", "is longer than timeout, which is for all tries together", "make it shorter, or take it out");
            if (route.Redirect is not null && (route.Cache ?? route.Mirror ?? route.Affinity ?? route.Rewrite ?? route.Hedge ?? (object?)route.Compression) is not null) Error("redirect", "a route that redirects sends nothing on: cache, compression, mirror, affinity, hedge and rewrite do nothing", "take them out");
        }

        foreach (Service service in set.Services)
        {
            void Error(string field, string message, string mend) => diagnostics.Error(service.Position, service.Reference, field, message, mend);
            foreach (string address in service.Weights.Keys)
            {
                if (!IPAddress.TryParse(address, out IPAddress? parsed)) Error("weights", $"\"{address}\" is not an IP address", "weights are of single addresses: write weights: { 10.0.0.1: 3 }");
                else if (!service.Resolve.Values.Any(v => v.Contains(parsed)) && !service.Addresses.Any(a => IPAddress.TryParse(a.Split('/')[0], out IPAddress? own) && own.Equals(parsed))) Error("weights", $"{address} is not an address of the service", "write it under addresses, too");
            }
        }

        foreach (Listener listener in set.Listeners.Where(l => l.AccessLog is { Format.Length: > 0 }))
        {
            if (AccessLogFormat.Fault(listener.AccessLog!.Format) is { } fault) diagnostics.Error(listener.Position, listener.Reference, "accessLog.format", fault.Message, fault.Mend);
        }
    }

    private static void CheckCompression(Compression compression, Action<string, string, string> error)
    {
        foreach (string coding in compression.Encodings.Where(e => e is not ("br" or "gzip" or "zstd"))) error("compression.encodings", $"\"{coding}\" is not offered here", "write br, gzip or zstd");
        if (compression.Encodings.Distinct().Count() < compression.Encodings.Length) error("compression.encodings", "names one twice", "write each once, best first");
        CheckTypes("compression.types", compression.Types, error);
    }

    private static void CheckTypes(string field, ImmutableArray<string> types, Action<string, string, string> error)
    {
        foreach (string type in types.Where(t => t.Count(c => c == '/') != 1 || t.Count(c => c == '*') > 1 || t.Any(c => c is <= ' ' or > '~' or ';' or ','))) error(field, $"\"{type}\" is not a content type", "write type/subtype without parameters, such as text/* or application/*+json");
    }

    private static void CheckMirror(Route route, Mirror mirror, IEnumerable<Service> services, Action<string, string, string> error)
    {
        if (services.FirstOrDefault(s => s.Name == mirror.Service) is not { } service)
        {
            string? near = Suggestion.For(mirror.Service, services.Select(s => s.Name));
            error("mirror.service", $"there is no service \"{mirror.Service}\"", near is null ? "add it under services" : $"did you mean {near}?");
        }
        else if (service.Protocol is not ("http" or "https" or "h2c" or "tcp") || !RouteValidator.HasTarget(service))
        {
            error("mirror.service", $"the service {mirror.Service} cannot be sent to", "give it protocol: http or https and an address without *");
        }
        else if (route.Backends.Any(b => b.Service == mirror.Service))
        {
            error("mirror.service", $"the service {mirror.Service} answers this route already: it would see requests twice", "name another");
        }
    }

    private static void CheckAffinity(Affinity affinity, Action<string, string, string> error, Action<string, string, string> warning)
    {
        if (affinity.Cookie.Length > 0 == affinity.Header.Length > 0) error("affinity", "needs a cookie or a header, one of the two", "write cookie: NAME or header: NAME");
        foreach (string name in new[] { affinity.Cookie, affinity.Header }.Where(n => n.Length > 0 && !IsToken(n))) error("affinity", $"\"{name}\" is not a name that HTTP takes", "write letters, digits, dashes and underscores");
        if (!affinity.Path.StartsWith('/') || affinity.Path.Any(c => c is <= ' ' or > '~' or ';' or ',')) error("affinity.path", $"\"{affinity.Path}\" is not a cookie's path", "write /, or a path without ;");
        if (affinity is { SameSite: "none", Secure: "never" }) error("affinity.sameSite", "browsers drop a cookie with SameSite=None that is not Secure", "write secure: always, or another sameSite");
        if (affinity.Secret is { Length: < 16 }) error("affinity.secret", "has fewer than 16 characters", "write secret: env:NAME with 32 random bytes in base64");
        if (affinity.Secret is null) warning("affinity.secret", "is missing: each proxy makes marks of its own, and new ones after a restart", "write secret: env:NAME with 32 random bytes in base64");
    }

    private static void CheckRewrite(Route route, Rewrite rewrite, Action<string, string, string> error)
    {
        if (rewrite is { Path: "", Regex: "", Host: "" }) error("rewrite", "changes nothing", "write path, regex and with, or host");
        if (rewrite.Path.Length > 0 && rewrite.Regex.Length > 0) error("rewrite", "path and regex exclude each other", "keep one of them");
        if (rewrite.With.Length > 0 && rewrite.Regex.Length == 0) error("rewrite.with", "stands there without regex", "write regex, or path for a whole path");
        if ((rewrite.Path.Length > 0 || rewrite.Regex.Length > 0) && (route.StripPrefix.Length > 0 || route.AddPrefix.Length > 0)) error("rewrite", "excludes stripPrefix and addPrefix", "keep one of them");
        if (rewrite.Path.Length > 0 && !rewrite.Path.StartsWith('/')) error("rewrite.path", $"\"{rewrite.Path}\" does not begin with a slash", $"write /{rewrite.Path}");
        if ((rewrite.Path + rewrite.With + rewrite.Host).Any(c => c is <= ' ' or > '~' or '#') || (rewrite.Path + rewrite.With).Contains('?', StringComparison.Ordinal)) error("rewrite", "holds a character that a path cannot", "use printable ASCII without blanks, ? and #");
        if (rewrite.Host.AsSpan().IndexOfAny("/@?#\\") >= 0) error("rewrite.host", $"\"{rewrite.Host}\" is not a host", "write NAME or NAME:PORT");
        if (rewrite.Regex.Length > 0 && RouteValidator.RegexFault(rewrite.Regex) is { } fault) error("rewrite.regex", $"\"{rewrite.Regex}\" is not a regular expression: {fault}", "look-around and back-references are not taken");
    }

    private static void CheckWaf(Waf waf, Action<string, string, string> error)
    {
        foreach (string method in waf.Methods.Where(m => !IsToken(m) || m.Any(char.IsAsciiLetterLower))) error("waf.methods", $"\"{method}\" is not a method", $"write {method.ToUpperInvariant()}");
        CheckTypes("waf.contentTypes", waf.ContentTypes, error);
        if (waf.Modes.GetValueOrDefault(WafRule.Method) != WafMode.Off && waf.Methods.IsEmpty) error("waf.rules.method", "has no list to go by", "write methods: [GET, HEAD]");
        if (waf.Modes.GetValueOrDefault(WafRule.ContentType) != WafMode.Off && waf.ContentTypes.IsEmpty) error("waf.rules.content-type", "has no list to go by", "write contentTypes: [application/json]");
        foreach ((WafRule rule, long bound, string field) in new[]
        {
            (WafRule.UriLength, (long)waf.MaxUri, "maxUri"), (WafRule.QueryLength, waf.MaxQuery, "maxQuery"), (WafRule.HeaderCount, waf.MaxHeaders, "maxHeaders"),
            (WafRule.HeaderSize, waf.MaxHeaderBytes, "maxHeaderBytes"), (WafRule.BodySize, waf.MaxBody, "maxBody"),
        })
        {
            if (waf.Modes.GetValueOrDefault(rule) != WafMode.Off && bound == 0) error($"waf.rules.{Waf.NameOf(rule)}", "has no bound to go by", $"write {field}");
        }
    }

    private static bool IsStatus(string text) => text is [>= '4' and <= '5', >= '0' and <= '9', >= '0' and <= '9'];

    private static bool IsToken(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal));
}
