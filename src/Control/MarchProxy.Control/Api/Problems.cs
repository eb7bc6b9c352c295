using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Storage;
using MarchProxy.Telemetry.Logs;
using Microsoft.AspNetCore.Http;

namespace MarchProxy.Control.Api;

/// <summary>What the API answers when it refuses: problem details (RFC 9457).</summary>
/// <param name="Type">A URN that names the kind of problem.</param>
/// <param name="Title">The kind in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What is wrong this time.</param>
/// <param name="Faults">Every fault, with its mend.</param>
/// <param name="Current">The object as it stands, when somebody else changed it.</param>
public sealed record Problem(string Type, string Title, int Status, string Detail, IReadOnlyList<Fault> Faults, JsonNode? Current);

/// <summary>Turns refusals into problem details; a defect of ours is logged and told without its insides.</summary>
internal sealed class ProblemMiddleware(RequestDelegate next, ProcessLog log)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            await next(http);
            if (http.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null or 0 }) await WriteAsync(http, Bare(http));
        }
        catch (ControlException e)
        {
            if (e.RetryAfter > TimeSpan.Zero) http.Response.Headers.RetryAfter = ((int)Math.Ceiling(e.RetryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            (int status, string name) = Status(e.Kind);
            if (status == 401) http.Response.Headers.WWWAuthenticate = "Bearer";
            await WriteAsync(http, new Problem("urn:marchproxy:problem:" + name, name.Replace('-', ' '), status, e.Message, e.Faults, e.Current.IsEmpty ? null : JsonNode.Parse(e.Current.Span)));
        }
        catch (BadHttpRequestException e)
        {
            await WriteAsync(http, new Problem("urn:marchproxy:problem:malformed", "malformed", e.StatusCode, e.Message, [], null));
        }
        catch (StoreException e)
        {
            log.Error("the store failed", ("fault", e.Message));
            await WriteAsync(http, new Problem("urn:marchproxy:problem:store", "store unavailable", 503, "The manager's store failed; nothing was changed. Its log tells why.", [], null));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            http.Response.StatusCode = 499;
        }
        catch (Exception e)
        {
            log.Error("a defect of the manager's own", ("path", http.Request.Path.Value ?? ""), ("exception", e.ToString()));
            await WriteAsync(http, new Problem("urn:marchproxy:problem:defect", "defect", 500, "The manager failed; its log tells more.", [], null));
        }
    }

    private static (int Status, string Name) Status(RefusalKind kind) => kind switch
    {
        RefusalKind.NotFound => (404, "not-found"),
        RefusalKind.Conflict => (409, "conflict"),
        RefusalKind.PreconditionFailed => (412, "changed-meanwhile"),
        RefusalKind.Malformed => (400, "malformed"),
        RefusalKind.Forbidden => (403, "forbidden"),
        RefusalKind.Unauthenticated => (401, "unauthenticated"),
        RefusalKind.TooMany => (429, "too-many"),
        _ => (422, "invalid"),
    };

    /// <summary>An answer that the framework gave without a body.</summary>
    private static Problem Bare(HttpContext http) => http.Response.StatusCode switch
    {
        404 => new Problem("urn:marchproxy:problem:not-found", "not found", 404, $"There is nothing at {http.Request.Path}; /api/docs tells what there is.", [], null),
        405 => new Problem("urn:marchproxy:problem:method", "method not allowed", 405, $"{http.Request.Method} is not for {http.Request.Path}; the Allow header tells what is.", [], null),
        415 => new Problem("urn:marchproxy:problem:media-type", "unsupported media type", 415, "Send application/json; apply takes application/yaml too.", [], null),
        int status => new Problem("urn:marchproxy:problem:http", "refused", status, "The request was refused.", [], null),
    };

    private static Task WriteAsync(HttpContext http, Problem problem)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return Task.CompletedTask;
        }

        http.Response.StatusCode = problem.Status;
        http.Response.ContentType = "application/problem+json";
        return JsonSerializer.SerializeAsync(http.Response.Body, problem, s_json, http.RequestAborted);
    }
}
