using System.Globalization;
using System.Text.Json;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Writes what <see cref="RouteRulesBinder"/> reads; what is as usual is left out.</summary>
internal static class RouteRulesWriter
{
    public static void Write(Utf8JsonWriter json, Route route)
    {
        Conditions(json, "headers", route.Headers);
        Conditions(json, "query", route.Query);
        if (route.Redirect is { } redirect)
        {
            json.WriteStartObject("redirect");
            if (redirect.Status != 308) json.WriteString("status", redirect.Status.ToString(CultureInfo.InvariantCulture));
            Text(json, "scheme", redirect.Scheme, "");
            Text(json, "host", redirect.Host, "");
            Text(json, "path", redirect.Path, "");
            json.WriteEndObject();
        }

        string balance = route.Balance switch
        {
            Balance.LeastRequest => "least-request",
            Balance.RandomTwo => "random-two",
            Balance.RingHash => "ring-hash",
            Balance.Maglev => "maglev",
            Balance.IpHash => "ip-hash",
            _ => "round-robin",
        };
        Text(json, "balance", balance, "round-robin");
        Text(json, "hashOn", route.HashOn, "address");
        if (route.RateLimit is not { } limit) return;
        json.WriteStartObject("rateLimit");
        json.WriteNumber("requestsPerSecond", limit.RequestsPerSecond);
        Number(json, "burst", limit.Burst, 0);
        Text(json, "key", limit.Key, "address");
        if (limit.Headers) json.WriteBoolean("headers", true);
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, Service service)
    {
        if (service.Health is { } health)
        {
            var usual = new HealthCheck();
            json.WriteStartObject("health");
            json.WriteString("type", health.Type);
            Text(json, "path", health.Path, usual.Path);
            Time(json, "interval", health.Interval, usual.Interval);
            Time(json, "timeout", health.Timeout, usual.Timeout);
            Number(json, "healthyThreshold", health.HealthyThreshold, usual.HealthyThreshold);
            Number(json, "unhealthyThreshold", health.UnhealthyThreshold, usual.UnhealthyThreshold);
            json.WriteEndObject();
        }

        if (service.ProxyProtocol) json.WriteBoolean("proxyProtocol", true);
        var common = new OutlierEjection();
        if (service.Outlier == common) return;
        json.WriteStartObject("outlier");
        Number(json, "failures", service.Outlier.Failures, common.Failures);
        Time(json, "ejectFor", service.Outlier.EjectFor, common.EjectFor);
        Number(json, "maxEjectedPercent", service.Outlier.MaxEjectedPercent, common.MaxEjectedPercent);
        json.WriteEndObject();
    }

    private static void Conditions(Utf8JsonWriter json, string field, IReadOnlyCollection<FieldMatch> matches)
    {
        if (matches.Count == 0) return;
        json.WriteStartObject(field);
        foreach (FieldMatch match in matches)
        {
            if (match.Kind == FieldMatchKind.Exact)
            {
                json.WriteString(match.Name, match.Value);
                continue;
            }

            json.WriteStartObject(match.Name);
            if (match.Kind is FieldMatchKind.Present or FieldMatchKind.Absent) json.WriteBoolean("present", match.Kind == FieldMatchKind.Present);
            else json.WriteString(match.Kind == FieldMatchKind.Prefix ? "prefix" : "regex", match.Value);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter json, string field, string value, string usual)
    {
        if (value != usual) json.WriteString(field, value);
    }

    private static void Number(Utf8JsonWriter json, string field, int value, int usual)
    {
        if (value != usual) json.WriteNumber(field, value);
    }

    private static void Time(Utf8JsonWriter json, string field, TimeSpan value, TimeSpan usual)
    {
        if (value != usual) json.WriteString(field, string.Create(CultureInfo.InvariantCulture, $"{(long)value.TotalMilliseconds}ms"));
    }
}
