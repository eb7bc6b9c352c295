using System.Collections.Immutable;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Reads what a route and a service say of the traffic that passes: caching, compression, copies, affinity, circuit limits.</summary>
internal static class RouteTrafficBinder
{
    public static Compression? Compression(FieldReader? fields)
    {
        if (fields is null) return null;
        var usual = new Compression();
        ImmutableArray<string> encodings = fields.Texts("encodings"), types = fields.Texts("types");
        var compression = new Compression
        {
            Encodings = encodings.IsEmpty ? usual.Encodings : encodings,
            Types = types.IsEmpty ? usual.Types : Lower(types),
            MinBytes = (int)fields.Bytes("minBytes", usual.MinBytes, 0, 1 << 30),
            Level = (int)fields.Number("level", usual.Level, 1, 9),
        };
        fields.Finish();
        return compression;
    }

    public static CachePolicy? Cache(FieldReader? fields)
    {
        if (fields is null) return null;
        var usual = new CachePolicy();
        var cache = new CachePolicy
        {
            Ttl = fields.Duration("ttl"),
            StaleWhileRevalidate = fields.Duration("staleWhileRevalidate"),
            StaleIfError = fields.Duration("staleIfError"),
            MaxObjectBytes = (int)fields.Bytes("maxObject", usual.MaxObjectBytes, 1, 1 << 30),
            FillWait = fields.Find("fillWait") is null ? usual.FillWait : fields.Duration("fillWait"),
        };
        fields.Finish();
        return cache;
    }

    public static Mirror? Mirror(FieldReader? fields)
    {
        if (fields is null) return null;
        var usual = new Mirror();
        TimeSpan timeout = fields.Duration("timeout");
        var mirror = new Mirror
        {
            Service = fields.Text("service"),
            Percent = (int)fields.Number("percent", usual.Percent, 1, 100),
            MaxBodyBytes = (int)fields.Bytes("maxBody", usual.MaxBodyBytes, 0, 16 << 20),
            Timeout = timeout > TimeSpan.Zero ? timeout : usual.Timeout,
        };
        if (mirror.Service.Length == 0) fields.Missing("service", "name the service that gets the copies");
        fields.Finish();
        return mirror;
    }

    public static Affinity? Affinity(FieldReader? fields)
    {
        if (fields is null) return null;
        var affinity = new Affinity
        {
            Cookie = fields.Text("cookie"),
            Header = fields.Text("header"),
            Ttl = fields.Duration("ttl"),
            Path = fields.Text("path", "/"),
            HttpOnly = fields.Flag("httpOnly", true),
            Secure = fields.Choice("secure", "auto", ("auto", "auto"), ("always", "always"), ("never", "never")),
            SameSite = fields.Choice("sameSite", "lax", ("lax", "lax"), ("strict", "strict"), ("none", "none")),
            Secret = fields.Secret("secret"),
        };
        fields.Finish();
        return affinity;
    }

    public static Hedge? Hedge(FieldReader? fields)
    {
        if (fields is null) return null;
        var hedge = new Hedge { After = fields.Duration("after") };
        if (hedge.After <= TimeSpan.Zero) fields.Missing("after", "write how long the first try may take, such as 200ms");
        fields.Finish();
        return hedge;
    }

    public static Rewrite? Rewrite(FieldReader? fields)
    {
        if (fields is null) return null;
        var rewrite = new Rewrite { Path = fields.Text("path"), Regex = fields.Text("regex"), With = fields.Text("with"), Host = fields.Text("host") };
        fields.Finish();
        return rewrite;
    }

    public static Waf? Waf(FieldReader? fields)
    {
        if (fields is null) return null;
        var modes = ImmutableSortedDictionary.CreateBuilder<WafRule, WafMode>();
        if (fields.Map("rules") is { } rules)
        {
            foreach ((string name, WafRule rule) in Resources.Waf.Rules)
            {
                if (rules.Find(name) is not null) modes[rule] = Mode(rules, name, WafMode.Block);
            }

            rules.Finish();
        }

        var waf = new Waf
        {
            Mode = Mode(fields, "mode", WafMode.Block),
            Modes = modes.ToImmutable(),
            Methods = fields.Texts("methods"),
            MaxUri = (int)fields.Bytes("maxUri", 0, 0, 1 << 20),
            MaxQuery = (int)fields.Bytes("maxQuery", 0, 0, 1 << 20),
            MaxHeaders = (int)fields.Number("maxHeaders", 0, 0, 1000),
            MaxHeaderBytes = (int)fields.Bytes("maxHeaderBytes", 0, 0, 1 << 20),
            MaxBody = fields.Bytes("maxBody", 0, 0, long.MaxValue >> 1),
            ContentTypes = Lower(fields.Texts("contentTypes")),
        };
        fields.Finish();
        return waf;
    }

    public static ImmutableArray<string> RetryOn(FieldReader fields)
    {
        ImmutableArray<string> given = fields.Texts("retryOn");
        return given.IsEmpty ? Route.UsualRetryOn : given;
    }

    public static CircuitLimits? Circuit(FieldReader? fields)
    {
        if (fields is null) return null;
        const int most = 10_000_000;
        var circuit = new CircuitLimits
        {
            Connections = (int)fields.Number("connections", 0, 0, most),
            Pending = (int)fields.Number("pending", new CircuitLimits().Pending, 0, most),
            Requests = (int)fields.Number("requests", 0, 0, most),
            Retries = (int)fields.Number("retries", 0, 0, most),
        };
        fields.Finish();
        return circuit;
    }

    public static SlowStart? SlowStart(FieldReader? fields)
    {
        if (fields is null) return null;
        var slow = new SlowStart { Window = fields.Duration("window"), MinPercent = (int)fields.Number("minPercent", 10, 1, 100) };
        if (slow.Window <= TimeSpan.Zero) fields.Missing("window", "write how long it takes to the whole share, such as 30s");
        fields.Finish();
        return slow;
    }

    public static ImmutableSortedDictionary<string, int> Weights(FieldReader fields)
    {
        var weights = ImmutableSortedDictionary.CreateBuilder<string, int>(StringComparer.Ordinal);
        foreach ((ScalarNode key, Node value) in fields.Entries("weights"))
        {
            if (value is ScalarNode scalar && int.TryParse(scalar.Value, out int weight) && weight is >= 1 and <= 1000) weights[key.Value] = weight;
            else fields.Wrong(value, "weights", $"the weight of {key.Value} is not a whole number from 1 to 1000");
        }

        return weights.ToImmutable();
    }

    public static ListenerLog? Log(FieldReader? fields)
    {
        if (fields is null) return null;
        var log = new ListenerLog { Format = fields.Text("format"), Sample = (int)fields.Number("sample", -1, 0, 100) };
        fields.Finish();
        return log;
    }

    private static WafMode Mode(FieldReader fields, string field, WafMode otherwise) =>
        fields.Choice(field, otherwise, ("off", WafMode.Off), ("monitor", WafMode.Monitor), ("block", WafMode.Block));

    private static ImmutableArray<string> Lower(ImmutableArray<string> texts) => [.. texts.Select(t => t.ToLowerInvariant())];
}
