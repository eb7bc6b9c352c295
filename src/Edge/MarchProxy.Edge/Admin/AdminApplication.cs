using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace MarchProxy.Edge.Admin;

/// <summary>The answers of the admin port, straight on Kestrel's features.</summary>
internal sealed class AdminApplication(AdminOptions options) : IHttpApplication<IFeatureCollection>
{
    private readonly long _started = options.Time.GetTimestamp();

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        IHttpRequestFeature request = context.GetRequiredFeature<IHttpRequestFeature>();
        IHttpResponseFeature response = context.GetRequiredFeature<IHttpResponseFeature>();
        var body = new ArrayBufferWriter<byte>(512);
        bool isHead = HttpMethods.IsHead(request.Method);
        bool purges = request.Path == "/cache" && HttpMethods.IsDelete(request.Method) && options.Purge is not null;
        AdminAnswer? more = options.More is { } ask ? await ask(new AdminRequest(request.Method, request.Path, request.QueryString)) : null;
        if (more is { } answer)
        {
            response.StatusCode = answer.Status;
            response.Headers.ContentType = "application/json";
            body.Write(answer.Json.Span);
        }
        else if (purges)
        {
            Purge(request, response, body);
        }
        else if (!isHead && !HttpMethods.IsGet(request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            response.Headers.Allow = request.Path == "/cache" && options.Purge is not null ? "GET, HEAD, DELETE" : "GET, HEAD";
        }
        else
        {
            Answer(request, response, body);
        }

        // Probes must see the present (RFC 9111 section 5.2.2.5).
        response.Headers.CacheControl = "no-store";
        response.Headers.ContentLength = body.WrittenCount;
        IHttpResponseBodyFeature output = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        await output.StartAsync();
        if (!isHead && body.WrittenCount > 0) await output.Writer.WriteAsync(body.WrittenMemory);
        await output.CompleteAsync();
    }

    private void Answer(IHttpRequestFeature request, IHttpResponseFeature response, ArrayBufferWriter<byte> body)
    {
        switch (request.Path)
        {
            case "/healthz":
                WriteJson(response, body, json =>
                {
                    json.WriteString("status"u8, "ok"u8);
                    json.WriteString("version"u8, options.Version);
                    json.WriteNumber("uptimeSeconds"u8, (long)options.Time.GetElapsedTime(_started).TotalSeconds);
                });
                break;
            case "/readyz":
                ReadyState state = options.Ready();
                response.StatusCode = state.IsReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
                WriteJson(response, body, json =>
                {
                    json.WriteString("status"u8, state.IsReady ? "ready"u8 : "not-ready"u8);
                    json.WriteStartArray("reasons"u8);
                    foreach (string reason in state.Reasons ?? []) json.WriteStringValue(reason);
                    json.WriteEndArray();
                    json.WriteStartArray("overload"u8);
                    foreach (string what in state.Overload ?? []) json.WriteStringValue(what);
                    json.WriteEndArray();
                });
                break;
            case "/metrics":
                response.Headers.ContentType = options.Metrics(request.Headers.Accept, body);
                break;
            case "/cache" when options.Stored is { } stored:
                (long bytes, int count) = stored();
                WriteJson(response, body, json =>
                {
                    json.WriteNumber("bytes"u8, bytes);
                    json.WriteNumber("objects"u8, count);
                });
                break;
            default:
                response.StatusCode = StatusCodes.Status404NotFound;
                break;
        }
    }

    /// <summary>
    /// <c>DELETE /cache?host=HOST&amp;path=PATH</c>. A browser sends DELETE to another origin only after it was allowed to, which nobody does here: a page that an operator
    /// looks at cannot empty the cache.
    /// </summary>
    private void Purge(IHttpRequestFeature request, IHttpResponseFeature response, IBufferWriter<byte> body)
    {
        Dictionary<string, StringValues> query = QueryHelpers.ParseQuery(request.QueryString);
        string[] known = ["route", "host", "path", "prefix", "all"];
        string? unknown = query.Keys.FirstOrDefault(k => !known.Contains(k, StringComparer.Ordinal));
        string route = query.GetValueOrDefault("route").ToString(), host = query.GetValueOrDefault("host").ToString(), path = query.GetValueOrDefault("path").ToString(), prefix = query.GetValueOrDefault("prefix").ToString();
        string? fault = unknown is not null ? $"{unknown} is not known: write route, host, path or prefix"
            : path.Length > 0 && prefix.Length > 0 ? "path and prefix exclude each other"
            : (route + host + path + prefix).Length == 0 && !query.ContainsKey("all") ? "write route, host, path or prefix, or all to throw out everything" : null;
        if (fault is not null)
        {
            response.StatusCode = StatusCodes.Status400BadRequest;
            WriteJson(response, body, json => json.WriteString("fault"u8, fault));
            return;
        }

        int count = options.Purge!((route, host, path.Length > 0 ? path : prefix, prefix.Length > 0));
        WriteJson(response, body, json => json.WriteNumber("purged"u8, count));
    }

    private static void WriteJson(IHttpResponseFeature response, IBufferWriter<byte> body, Action<Utf8JsonWriter> write)
    {
        response.Headers.ContentType = "application/json";
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    }
}
