using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>
/// Writes resources as the reader takes them: only fields that differ from their defaults, always in the same order, so that equal resources are
/// equal bytes and a resource read, written and read again is the same.
/// </summary>
public static partial class ResourceWriter
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>A resource as a JSON object, UTF-8.</summary>
    /// <param name="resource">The resource.</param>
    /// <param name="redact">Leave out what is secret: private keys, shared secrets, hashes of tokens.</param>
    public static byte[] ToJson(Resource resource, bool redact = false)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options)) Write(json, resource, redact);
        return stream.ToArray();
    }

    /// <summary>Writes a resource as a JSON object.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="resource">The resource.</param>
    /// <param name="redact">Leave out what is secret.</param>
    public static void Write(Utf8JsonWriter json, Resource resource, bool redact = false)
    {
        json.WriteStartObject();
        WriteFields(json, resource, redact);
        json.WriteEndObject();
    }

    /// <summary>Writes a resource's fields into an object that is open.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="resource">The resource.</param>
    /// <param name="redact">Leave out what is secret.</param>
    public static void WriteFields(Utf8JsonWriter json, Resource resource, bool redact = false)
    {
        json.WriteString("name", resource.Name);
        if (resource is not Cluster && resource.Cluster != "default") json.WriteString("cluster", resource.Cluster);
        Text(json, "description", resource.Description);
        Map(json, "labels", resource.Labels.OrderBy(l => l.Key, StringComparer.Ordinal), (key, value) => json.WriteString(key, value));
        switch (resource)
        {
            case Cluster cluster:
                if (cluster.MaxProxies != 3) json.WriteNumber("maxProxies", cluster.MaxProxies);
                break;
            case Service service:
                Service(json, service, redact);
                break;
            case Mapping mapping:
                Mapping(json, mapping);
                break;
            case Route route:
                Route(json, route, redact);
                break;
            case Listener listener:
                Listener(json, listener);
                break;
            case Certificate certificate:
                Text(json, "chain", certificate.Chain);
                if (!redact) Text(json, "key", certificate.Key);
                if (certificate.Staple) json.WriteString("ocsp", "staple");
                break;
            case Database database:
                Database(json, database, redact);
                break;
            case DbAccount account:
                Account(json, account, redact);
                break;
            case Grant grant:
                Grant(json, grant);
                break;
            case SecurityPolicy policy:
                SecurityPolicy(json, policy);
                break;
            default:
                throw new NotSupportedException($"There is no writer for a {resource.Kind}.");
        }
    }

    private static void Text(Utf8JsonWriter json, string field, string? value)
    {
        if (!string.IsNullOrEmpty(value)) json.WriteString(field, value);
    }

    private static void Texts(Utf8JsonWriter json, string field, IReadOnlyCollection<string> values)
    {
        if (values.Count == 0) return;
        json.WriteStartArray(field);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void Map<TKey, TValue>(Utf8JsonWriter json, string field, IEnumerable<KeyValuePair<TKey, TValue>> entries, Action<string, TValue> write)
    {
        bool begun = false;
        foreach ((TKey key, TValue value) in entries)
        {
            if (!begun) json.WriteStartObject(field);
            begun = true;
            write(Convert.ToString(key, CultureInfo.InvariantCulture)!, value);
        }

        if (begun) json.WriteEndObject();
    }

    private static void Duration(Utf8JsonWriter json, string field, TimeSpan value)
    {
        if (value == TimeSpan.Zero) return;
        json.WriteString(field, value.TotalMilliseconds % 1000 == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:0}s")
            : string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds:0.####}ms"));
    }

    private static void Time(Utf8JsonWriter json, string field, DateTimeOffset? value)
    {
        if (value is { } time) json.WriteString(field, time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
    }
}
