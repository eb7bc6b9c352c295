using System.Text;
using System.Text.Json;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Control.State;

/// <summary>One object in a version: as it stood before and after, secrets included; null where it was not.</summary>
/// <param name="Key">Which.</param>
/// <param name="Before">Before.</param>
/// <param name="After">After.</param>
public sealed record ObjectDelta(ResourceKey Key, Resource? Before, Resource? After)
{
    /// <summary>Writes the objects of a version.</summary>
    internal static string Write(IEnumerable<(ResourceKey Key, Entry? Before, Entry? After)> changes)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartArray();
            foreach ((ResourceKey key, Entry? before, Entry? after) in changes)
            {
                json.WriteStartObject();
                json.WriteString("kind", key.Kind);
                json.WriteString("name", key.Name);
                if (before is not null) Raw(json, "before", before);
                if (after is not null) Raw(json, "after", after);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    internal static IReadOnlyList<ObjectDelta> Parse(string text, string cluster)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        var deltas = new List<ObjectDelta>();
        foreach (JsonElement item in document.RootElement.EnumerateArray())
        {
            string plural = item.GetProperty("kind").GetString()!;
            if (ResourceKind.Find(plural) is not { } kind) continue;
            deltas.Add(new ObjectDelta(new ResourceKey(cluster, plural, item.GetProperty("name").GetString()!), Read(item, "before", kind), Read(item, "after", kind)));
        }

        return deltas;
    }

    private static void Raw(Utf8JsonWriter json, string field, Entry entry)
    {
        json.WritePropertyName(field);
        json.WriteRawValue(entry.Content.Span, skipInputValidation: true);
    }

    private static Resource? Read(JsonElement item, string field, ResourceKind kind) =>
        item.TryGetProperty(field, out JsonElement value) ? ResourceReader.ReadObject(kind, Encoding.UTF8.GetBytes(value.GetRawText()), "version", StoredSecrets.Instance).Resource : null;
}
