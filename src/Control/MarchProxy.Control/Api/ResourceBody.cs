using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MarchProxy.Control.Changes;
using MarchProxy.Control.State;
using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using Microsoft.AspNetCore.Http;

namespace MarchProxy.Control.Api;

/// <summary>Resources in requests: read by the same reader as files, their faults told the same way.</summary>
internal static class ResourceBody
{
    /// <summary>5 MiB, as a file.</summary>
    public const int MaxBytes = 5 << 20;

    /// <summary>Fields that the manager adds to what it shows; whoever sends an object back may leave them in.</summary>
    private static readonly string[] s_shown = ["createdAt", "updatedAt", "updatedBy", "etag"];

    private static readonly JsonDocumentOptions s_strict = new() { MaxDepth = 32 };

    public static async Task<JsonObject> ReadAsync(HttpContext http)
    {
        if (!http.Request.HasJsonContentType() && http.Request.ContentType?.StartsWith("application/merge-patch+json", StringComparison.OrdinalIgnoreCase) != true)
        {
            throw new BadHttpRequestException("Send application/json.", 415);
        }

        byte[] bytes = await BytesAsync(http);
        try
        {
            return JsonNode.Parse(bytes, documentOptions: s_strict) as JsonObject ?? throw new ControlException(RefusalKind.Malformed, "The body is not a JSON object.");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new ControlException(RefusalKind.Malformed, "The body is not JSON: " + e.Message.Split(" LineNumber")[0]);
        }
    }

    public static async Task<byte[]> BytesAsync(HttpContext http)
    {
        using var copy = new MemoryStream();
        byte[] buffer = new byte[16 * 1024];
        while (await http.Request.Body.ReadAsync(buffer, http.RequestAborted) is > 0 and int n)
        {
            if (copy.Length + n > MaxBytes) throw new BadHttpRequestException("The body has more than 5 MiB; split it.", 413);
            copy.Write(buffer, 0, n);
        }

        return copy.ToArray();
    }

    /// <summary>The resource of a body, in a cluster and under a name that the path tells.</summary>
    public static Resource Parse(ResourceKind kind, JsonObject body, string cluster, string? name)
    {
        foreach (string field in s_shown) body.Remove(field);
        if (name is not null && body["name"] is { } given && given.ToString() != name)
        {
            throw new ControlException(RefusalKind.Invalid, "The name in the body is not that of the path.", new Fault($"{kind.Singular}/{name}", "name", $"is \"{given}\" in the body", "objects are not renamed: make another and delete this one"));
        }

        if (name is not null) body["name"] = name;
        if (kind.Plural != "clusters") body["cluster"] ??= cluster;
        return Read(kind, body);
    }

    /// <summary>The resource after a merge patch (RFC 7396) upon what stands.</summary>
    public static Resource Merge(Entry before, JsonObject patch)
    {
        var target = (JsonObject)JsonNode.Parse(before.Content.Span)!;
        if (patch["auth"] is JsonObject auth && auth.ContainsKey("token")) (target["auth"] as JsonObject)?.Remove("tokenHash");
        Merge(target, patch);
        return Parse(before.Kind, target, before.Key.Cluster, before.Name);
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach ((string field, JsonNode? value) in patch)
        {
            if (value is null)
            {
                target.Remove(field);
            }
            else if (value is JsonObject inner)
            {
                if (target[field] is not JsonObject under) target[field] = under = [];
                Merge(under, inner);
            }
            else
            {
                target[field] = value.DeepClone();
            }
        }
    }

    private static Resource Read(ResourceKind kind, JsonObject body)
    {
        (Resource? resource, IReadOnlyList<Diagnostic> diagnostics) = ResourceReader.ReadObject(kind, Encoding.UTF8.GetBytes(body.ToJsonString()), "body", StoredSecrets.Instance);
        Demand(diagnostics);
        return resource!;
    }

    /// <summary>Refuses a body with errors, all of them at once.</summary>
    public static void Demand(IReadOnlyList<Diagnostic> diagnostics)
    {
        Fault[] faults = [.. diagnostics.Where(d => d.Severity == Severity.Error).Select(d => new Fault(d.Object, d.Field, d.Message, d.Mend))];
        if (faults.Length > 0) throw new ControlException(RefusalKind.Invalid, faults.Length == 1 ? $"{faults[0].Object} {faults[0].Field}: {faults[0].Message}" : $"{faults.Length} faults; nothing was changed.", faults);
    }
}
