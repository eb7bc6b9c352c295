using System.Globalization;
using System.Text.Json;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Writes what <see cref="RouteTrafficBinder"/> reads; what is as usual is left out.</summary>
internal static class RouteTrafficWriter
{
    public static void Write(Utf8JsonWriter json, Route route, bool redact)
    {
        if (route.Compression is { } compression) Compression(json, compression);
        if (route.Cache is { } cache) Cache(json, cache);
        if (route.Mirror is { } mirror)
        {
            var usual = new Mirror();
            json.WriteStartObject("mirror");
            json.WriteString("service", mirror.Service);
            Number(json, "percent", mirror.Percent, usual.Percent);
            Number(json, "maxBody", mirror.MaxBodyBytes, usual.MaxBodyBytes);
            Time(json, "timeout", mirror.Timeout, usual.Timeout);
            json.WriteEndObject();
        }

        if (route.Affinity is { } affinity) Affinity(json, affinity, redact);
        if (route.Hedge is { } hedge)
        {
            json.WriteStartObject("hedge");
            Time(json, "after", hedge.After, TimeSpan.Zero);
            json.WriteEndObject();
        }

        if (route.Rewrite is { } rewrite)
        {
            json.WriteStartObject("rewrite");
            Text(json, "path", rewrite.Path, "");
            Text(json, "regex", rewrite.Regex, "");
            Text(json, "with", rewrite.With, "");
            Text(json, "host", rewrite.Host, "");
            json.WriteEndObject();
        }

        if (route.Waf is { } waf) Waf(json, waf);
        Texts(json, "retryOn", route.RetryOn, Route.UsualRetryOn);
        Time(json, "tryTimeout", route.TryTimeout, TimeSpan.Zero);
    }

    public static void Write(Utf8JsonWriter json, Service service)
    {
        if (service.Circuit is { } circuit)
        {
            json.WriteStartObject("circuit");
            Number(json, "connections", circuit.Connections, 0);
            Number(json, "pending", circuit.Pending, new CircuitLimits().Pending);
            Number(json, "requests", circuit.Requests, 0);
            Number(json, "retries", circuit.Retries, 0);
            json.WriteEndObject();
        }

        if (service.SlowStart is { } slow)
        {
            json.WriteStartObject("slowStart");
            Time(json, "window", slow.Window, TimeSpan.Zero);
            Number(json, "minPercent", slow.MinPercent, new SlowStart().MinPercent);
            json.WriteEndObject();
        }

        if (service.Weights.Count == 0) return;
        json.WriteStartObject("weights");
        foreach ((string address, int weight) in service.Weights) json.WriteNumber(address, weight);
        json.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter json, ListenerLog log)
    {
        json.WriteStartObject("accessLog");
        Text(json, "format", log.Format, "");
        Number(json, "sample", log.Sample, -1);
        json.WriteEndObject();
    }

    private static void Compression(Utf8JsonWriter json, Compression compression)
    {
        var usual = new Compression();
        json.WriteStartObject("compression");
        Texts(json, "encodings", compression.Encodings, usual.Encodings);
        Texts(json, "types", compression.Types, usual.Types);
        Number(json, "minBytes", compression.MinBytes, usual.MinBytes);
        Number(json, "level", compression.Level, usual.Level);
        json.WriteEndObject();
    }

    private static void Cache(Utf8JsonWriter json, CachePolicy cache)
    {
        var usual = new CachePolicy();
        json.WriteStartObject("cache");
        Time(json, "ttl", cache.Ttl, usual.Ttl);
        Time(json, "staleWhileRevalidate", cache.StaleWhileRevalidate, usual.StaleWhileRevalidate);
        Time(json, "staleIfError", cache.StaleIfError, usual.StaleIfError);
        Number(json, "maxObject", cache.MaxObjectBytes, usual.MaxObjectBytes);
        Time(json, "fillWait", cache.FillWait, usual.FillWait);
        json.WriteEndObject();
    }

    private static void Affinity(Utf8JsonWriter json, Affinity affinity, bool redact)
    {
        var usual = new Affinity();
        json.WriteStartObject("affinity");
        Text(json, "cookie", affinity.Cookie, "");
        Text(json, "header", affinity.Header, "");
        Time(json, "ttl", affinity.Ttl, usual.Ttl);
        Text(json, "path", affinity.Path, usual.Path);
        if (!affinity.HttpOnly) json.WriteBoolean("httpOnly", false);
        Text(json, "secure", affinity.Secure, usual.Secure);
        Text(json, "sameSite", affinity.SameSite, usual.SameSite);
        if (!redact) Text(json, "secret", affinity.Secret ?? "", "");
        json.WriteEndObject();
    }

    private static void Waf(Utf8JsonWriter json, Waf waf)
    {
        json.WriteStartObject("waf");
        if (waf.Mode != WafMode.Block) json.WriteString("mode", NameOf(waf.Mode));
        if (waf.Modes.Count > 0)
        {
            json.WriteStartObject("rules");
            foreach ((WafRule rule, WafMode mode) in waf.Modes) json.WriteString(Resources.Waf.NameOf(rule), NameOf(mode));
            json.WriteEndObject();
        }

        Texts(json, "methods", waf.Methods, []);
        Number(json, "maxUri", waf.MaxUri, 0);
        Number(json, "maxQuery", waf.MaxQuery, 0);
        Number(json, "maxHeaders", waf.MaxHeaders, 0);
        Number(json, "maxHeaderBytes", waf.MaxHeaderBytes, 0);
        Number(json, "maxBody", waf.MaxBody, 0);
        Texts(json, "contentTypes", waf.ContentTypes, []);
        json.WriteEndObject();
    }

    private static string NameOf(WafMode mode) => mode switch { WafMode.Off => "off", WafMode.Monitor => "monitor", _ => "block" };

    private static void Text(Utf8JsonWriter json, string field, string value, string usual)
    {
        if (value != usual) json.WriteString(field, value);
    }

    private static void Texts(Utf8JsonWriter json, string field, IReadOnlyCollection<string> values, IReadOnlyCollection<string> usual)
    {
        if (values.SequenceEqual(usual)) return;
        json.WriteStartArray(field);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void Number(Utf8JsonWriter json, string field, long value, long usual)
    {
        if (value != usual) json.WriteNumber(field, value);
    }

    private static void Time(Utf8JsonWriter json, string field, TimeSpan value, TimeSpan usual)
    {
        if (value != usual) json.WriteString(field, string.Create(CultureInfo.InvariantCulture, $"{(long)value.TotalMilliseconds}ms"));
    }
}
