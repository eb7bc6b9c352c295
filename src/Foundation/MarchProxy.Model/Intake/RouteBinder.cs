using System.Collections.Immutable;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Reads routes.</summary>
internal static class RouteBinder
{
    public static Route Bind(FieldReader fields, Header header) => new()
    {
        Name = header.Name,
        Cluster = header.Cluster,
        Description = header.Description,
        Labels = header.Labels,
        Position = header.Position,
        Hosts = [.. fields.Texts("hosts").Select(h => h.TrimEnd('.').ToLowerInvariant())],
        ClientNames = fields.Texts("clientNames"),
        Paths = Paths(fields),
        Methods = fields.Texts("methods"),
        Headers = RouteRulesBinder.Conditions(fields, "headers", lower: true),
        Query = RouteRulesBinder.Conditions(fields, "query", lower: false),
        Redirect = RouteRulesBinder.Redirect(fields.Map("redirect")),
        Balance = RouteRulesBinder.Balance(fields),
        HashOn = fields.Text("hashOn", "address"),
        RateLimit = RouteRulesBinder.RateLimit(fields.Map("rateLimit")),
        Backends = Backends(fields),
        Retries = (int)fields.Number("retries", 2, 0, 10),
        RetryOn = RouteTrafficBinder.RetryOn(fields),
        Timeout = fields.Duration("timeout"),
        TryTimeout = fields.Duration("tryTimeout"),
        Hedge = RouteTrafficBinder.Hedge(fields.Map("hedge")),
        Compression = RouteTrafficBinder.Compression(fields.Map("compression")),
        Cache = RouteTrafficBinder.Cache(fields.Map("cache")),
        Mirror = RouteTrafficBinder.Mirror(fields.Map("mirror")),
        Affinity = RouteTrafficBinder.Affinity(fields.Map("affinity")),
        Waf = RouteTrafficBinder.Waf(fields.Map("waf")),
        Rewrite = RouteTrafficBinder.Rewrite(fields.Map("rewrite")),
        StripPrefix = fields.Text("stripPrefix"),
        AddPrefix = fields.Text("addPrefix"),
        RequestHeaders = Changes(fields, "requestHeaders"),
        ResponseHeaders = Changes(fields, "responseHeaders"),
        Priority = (int)fields.Number("priority", 100, 1, 1000),
    };

    private static ImmutableArray<PathMatch> Paths(FieldReader fields)
    {
        var result = ImmutableArray.CreateBuilder<PathMatch>();
        foreach (Node item in fields.Items("paths"))
        {
            if (item is ScalarNode scalar)
            {
                result.Add(new PathMatch(PathMatchKind.Prefix, scalar.Value));
            }
            else if (item is MapNode { Entries: [(ScalarNode key, ScalarNode value)] } && Kind(key.Value) is { } kind)
            {
                result.Add(new PathMatch(kind, value.Value));
            }
            else
            {
                fields.Wrong(item, "paths", "an item is not a path condition", "write { prefix: /api }, { exact: /health } or { regex: ... }");
            }
        }

        return result.ToImmutable();
    }

    private static PathMatchKind? Kind(string text) => text switch
    {
        "prefix" => PathMatchKind.Prefix,
        "exact" => PathMatchKind.Exact,
        "regex" => PathMatchKind.Regex,
        _ => null,
    };

    private static ImmutableArray<Backend> Backends(FieldReader fields)
    {
        var result = ImmutableArray.CreateBuilder<Backend>();
        foreach (Node item in fields.Items("backends"))
        {
            if (item is ScalarNode scalar)
            {
                result.Add(new Backend(scalar.Value, 100));
            }
            else if (item is MapNode map)
            {
                FieldReader backend = fields.Nested(map, "backends");
                string service = backend.Text("service");
                if (service.Length == 0) backend.Missing("service", "name the service that answers");
                result.Add(new Backend(service, (int)backend.Number("weight", 100, 0, 1_000_000)));
                backend.Finish();
            }
            else
            {
                fields.Wrong(item, "backends", "an item is not a backend", "write { service: NAME, weight: 100 }");
            }
        }

        return result.ToImmutable();
    }

    private static ImmutableArray<FieldChange> Changes(FieldReader fields, string field)
    {
        var result = ImmutableArray.CreateBuilder<FieldChange>();
        if (fields.Map(field) is not { } changes) return [];
        foreach (string action in new[] { "set", "add" })
        {
            foreach ((ScalarNode key, Node value) in changes.Entries(action))
            {
                if (value is ScalarNode scalar) result.Add(new FieldChange(action, key.Value, scalar.Value));
                else changes.Wrong(value, action, "a header field's value is not a single value");
            }
        }

        foreach (string name in changes.Texts("remove")) result.Add(new FieldChange("remove", name, ""));
        changes.Finish();
        return result.ToImmutable();
    }
}
