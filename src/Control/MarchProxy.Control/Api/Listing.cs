using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using MarchProxy.Control.Changes;
using MarchProxy.Control.State;
using MarchProxy.Model.Intake;

namespace MarchProxy.Control.Api;

/// <summary>How a list is asked for.</summary>
/// <param name="Limit">1 to 1000; default 100.</param>
/// <param name="Cursor">From the page before.</param>
/// <param name="Sort">name (default), -name, createdAt, -createdAt, updatedAt or -updatedAt.</param>
/// <param name="Query">A part of the name or description.</param>
/// <param name="Label">KEY=VALUE, or KEY for any value.</param>
/// <param name="Filter">FIELD:VALUE of the object; a list fits when one of its items does.</param>
internal sealed record ListQuery(int? Limit, string? Cursor, string? Sort, string? Query, string? Label, string[]? Filter);

/// <summary>Pages of resources. A cursor names the last object of the page before, so that edits between two pages neither repeat nor lose others.</summary>
internal static class Listing
{
    private const int DefaultLimit = 100, MaxLimit = 1000;

    public static byte[] Page(ClusterState cluster, ResourceKind kind, ListQuery query)
    {
        int limit = query.Limit ?? DefaultLimit;
        if (limit is < 1 or > MaxLimit) throw Wrong("limit", $"{limit} is not from 1 to {MaxLimit}", "ask for fewer, and follow next");
        string sort = query.Sort ?? "name";
        (string Key, string Name)? after = Decode(query.Cursor, sort);
        IEnumerable<Entry> all = Sorted(cluster, kind, sort, after);
        Func<Entry, bool>? condition = Condition(query);
        if (condition is not null) all = all.Where(condition);
        var page = all.Take(limit + 1).ToList();
        bool more = page.Count > limit;
        if (more) page.RemoveAt(limit);
        return Write(page, more ? Encode(sort, page[^1]) : null, condition is null ? cluster.Count(kind) : null);
    }

    private static IEnumerable<Entry> Sorted(ClusterState cluster, ResourceKind kind, string sort, (string Key, string Name)? after)
    {
        if (sort == "name") return cluster.After(kind, after?.Name);
        bool down = sort.StartsWith('-');
        Func<Entry, string> key = KeyOf(sort);
        IEnumerable<(string Key, Entry Entry)> keyed = cluster.Of(kind).Select(e => (key(e), e));
        Comparer<(string Key, Entry Entry)> order = Comparer<(string Key, Entry Entry)>.Create((x, y) => Compare((x.Key, x.Entry.Name), (y.Key, y.Entry.Name)));
        keyed = down ? keyed.OrderDescending(order) : keyed.Order(order);
        return keyed.Where(k => after is not { } last || (down ? Compare((k.Key, k.Entry.Name), last) < 0 : Compare((k.Key, k.Entry.Name), last) > 0)).Select(k => k.Entry);
    }

    private static int Compare((string Key, string Name) x, (string Key, string Name) y)
    {
        int byKey = string.CompareOrdinal(x.Key, y.Key);
        return byKey != 0 ? byKey : string.CompareOrdinal(x.Name, y.Name);
    }

    private static Func<Entry, string> KeyOf(string sort) => sort.TrimStart('-') switch
    {
        "name" => e => e.Name,
        "createdAt" => e => e.CreatedAt.UtcDateTime.ToString("O"),
        "updatedAt" => e => e.UpdatedAt.UtcDateTime.ToString("O"),
        _ => throw Wrong("sort", $"\"{sort}\" is not known", "write name, createdAt or updatedAt, with - before it for the other way"),
    };

    private static Func<Entry, bool>? Condition(ListQuery query)
    {
        var all = new List<Func<Entry, bool>>();
        if (query.Query is { Length: > 0 } text)
        {
            all.Add(e => e.Name.Contains(text, StringComparison.OrdinalIgnoreCase) || e.Resource.Description.Contains(text, StringComparison.OrdinalIgnoreCase));
        }

        if (query.Label is { Length: > 0 } label)
        {
            string[] parts = label.Split('=', 2);
            all.Add(e => e.Resource.Labels.TryGetValue(parts[0], out string? value) && (parts.Length == 1 || value == parts[1]));
        }

        foreach (string filter in query.Filter ?? [])
        {
            string[] parts = filter.Split(':', 2);
            if (parts.Length != 2 || parts[0].Length == 0) throw Wrong("filter", $"\"{filter}\" is not FIELD:VALUE", "write filter=protocol:tcp");
            all.Add(e => Fits(e, parts[0], parts[1]));
        }

        return all.Count == 0 ? null : e => all.TrueForAll(c => c(e));
    }

    private static bool Fits(Entry entry, string field, string value)
    {
        using JsonDocument document = JsonDocument.Parse(entry.Body);
        if (!document.RootElement.TryGetProperty(field, out JsonElement found)) return false;
        return found.ValueKind == JsonValueKind.Array ? found.EnumerateArray().Any(i => Text(i) == value) : Text(found) == value;
    }

    private static string Text(JsonElement element) => element.ValueKind == JsonValueKind.String ? element.GetString()! : element.GetRawText();

    private static byte[] Write(List<Entry> page, string? next, int? total)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartArray("items");
            foreach (Entry entry in page) json.WriteRawValue(entry.Body.Span, skipInputValidation: true);
            json.WriteEndArray();
            if (next is not null) json.WriteString("next", next);
            if (total is { } count) json.WriteNumber("total", count);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static string Encode(string sort, Entry last) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new[] { sort, KeyOf(sort)(last), last.Name }));

    private static (string Key, string Name)? Decode(string? cursor, string sort)
    {
        if (cursor is null) return null;
        try
        {
            if (JsonSerializer.Deserialize<string[]>(Base64Url.DecodeFromChars(cursor)) is [{ } by, { } key, { } name] && by == sort) return (key, name);
        }
        catch (Exception e) when (e is FormatException or JsonException or DecoderFallbackException)
        {
        }

        throw Wrong("cursor", "is not one that this list gave", "begin again without it, and keep sort as it was");
    }

    private static ControlException Wrong(string field, string message, string mend) => new(RefusalKind.Malformed, $"{field}: {message}.", new Fault("query", field, message, mend));
}
