using System.Text.Encodings.Web;
using System.Text.Json;
using MarchProxy.Model.Intake;

namespace MarchProxy.Control.State;

/// <summary>Entries as JSON.</summary>
internal static class EntryJson
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>A resource's fields without its secrets, and those that the manager adds.</summary>
    public static byte[] Body(Entry entry)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            json.WriteStartObject();
            ResourceWriter.WriteFields(json, entry.Resource, redact: true);
            json.WriteString("createdAt", entry.CreatedAt.UtcDateTime);
            json.WriteString("updatedAt", entry.UpdatedAt.UtcDateTime);
            json.WriteString("updatedBy", entry.UpdatedBy);
            json.WriteString("etag", entry.ETag);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
