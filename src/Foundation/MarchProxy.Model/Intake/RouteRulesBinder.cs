using System.Collections.Immutable;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Reads what a route and a service say of conditions, balancing, limits and health.</summary>
internal static class RouteRulesBinder
{
    /// <summary><c>headers: { X-Canary: "1", X-Debug: { present: true } }</c>, and the same of query parameters.</summary>
    public static ImmutableArray<FieldMatch> Conditions(FieldReader fields, string field, bool lower)
    {
        var result = ImmutableArray.CreateBuilder<FieldMatch>();
        foreach ((ScalarNode key, Node value) in fields.Entries(field))
        {
            string name = lower ? key.Value.ToLowerInvariant() : key.Value;
            if (value is ScalarNode exact) result.Add(new FieldMatch(name, FieldMatchKind.Exact, exact.Value));
            else if (value is MapNode { Entries: [(ScalarNode kind, ScalarNode what)] } && Condition(name, kind.Value, what.Value) is { } match) result.Add(match);
            else fields.Wrong(value, field, $"the condition on {key.Value} is not read", "write a value, { prefix: x }, { regex: x } or { present: true }");
        }

        return result.ToImmutable();
    }

    public static Balance Balance(FieldReader fields) => fields.Choice(
        "balance", Resources.Balance.RoundRobin, ("round-robin", Resources.Balance.RoundRobin), ("least-request", Resources.Balance.LeastRequest), ("random-two", Resources.Balance.RandomTwo),
        ("ring-hash", Resources.Balance.RingHash), ("maglev", Resources.Balance.Maglev), ("ip-hash", Resources.Balance.IpHash));

    public static RouteRateLimit? RateLimit(FieldReader? fields)
    {
        if (fields is null) return null;
        var limit = new RouteRateLimit
        {
            RequestsPerSecond = (int)fields.Number("requestsPerSecond", 0, 1, 10_000_000),
            Burst = (int)fields.Number("burst", 0, 0, 10_000_000),
            Key = fields.Text("key", "address"),
            Headers = fields.Flag("headers", false),
        };
        if (limit.RequestsPerSecond == 0) fields.Missing("requestsPerSecond", "write how many requests a second may come");
        fields.Finish();
        return limit;
    }

    public static Redirect? Redirect(FieldReader? fields)
    {
        if (fields is null) return null;
        var redirect = new Redirect
        {
            Status = fields.Choice("status", 308, ("301", 301), ("302", 302), ("303", 303), ("307", 307), ("308", 308)),
            Scheme = fields.Choice("scheme", "", ("http", "http"), ("https", "https")),
            Host = fields.Text("host"),
            Path = fields.Text("path"),
        };
        fields.Finish();
        return redirect;
    }

    public static HealthCheck? Health(FieldReader? fields)
    {
        if (fields is null) return null;
        var health = new HealthCheck
        {
            Type = fields.Choice("type", "http", ("tcp", "tcp"), ("http", "http"), ("https", "https"), ("grpc", "grpc"), ("icmp", "icmp")),
            Path = fields.Text("path", "/"),
            Interval = Positive(fields.Duration("interval"), TimeSpan.FromSeconds(5)),
            Timeout = Positive(fields.Duration("timeout"), TimeSpan.FromSeconds(2)),
            HealthyThreshold = (int)fields.Number("healthyThreshold", 2, 1, 100),
            UnhealthyThreshold = (int)fields.Number("unhealthyThreshold", 3, 1, 100),
        };
        fields.Finish();
        return health;
    }

    public static OutlierEjection Outlier(FieldReader? fields)
    {
        if (fields is null) return new OutlierEjection();
        var outlier = new OutlierEjection
        {
            Failures = (int)fields.Number("failures", 5, 0, 1000),
            EjectFor = Positive(fields.Duration("ejectFor"), TimeSpan.FromSeconds(10)),
            MaxEjectedPercent = (int)fields.Number("maxEjectedPercent", 50, 0, 100),
        };
        fields.Finish();
        return outlier;
    }

    private static TimeSpan Positive(TimeSpan given, TimeSpan usual) => given > TimeSpan.Zero ? given : usual;

    private static FieldMatch? Condition(string name, string kind, string value) => kind switch
    {
        "exact" => new FieldMatch(name, FieldMatchKind.Exact, value),
        "prefix" => new FieldMatch(name, FieldMatchKind.Prefix, value),
        "regex" => new FieldMatch(name, FieldMatchKind.Regex, value),
        "present" when value is "true" => new FieldMatch(name, FieldMatchKind.Present, ""),
        "present" when value is "false" => new FieldMatch(name, FieldMatchKind.Absent, ""),
        _ => null,
    };
}
