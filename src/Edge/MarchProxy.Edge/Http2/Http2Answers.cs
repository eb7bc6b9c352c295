using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Model.Resources;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MarchProxy.Edge.Http2;

/// <summary>Answers over HTTP/2: our own, and those of upstreams as they come.</summary>
internal static class Http2Answers
{
    private const int ChunkBytes = 32 << 10;
    private static readonly HashSet<string> s_dropped = new(StringComparer.OrdinalIgnoreCase) { "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Trailer" };

    /// <summary>Answers by ourselves, with the same fields and problem document as over HTTP/1.1.</summary>
    public static async Task WriteAsync(IFeatureCollection context, AccessRecord record, LocalResponse answer)
    {
        IHttpResponseFeature response = context.GetRequiredFeature<IHttpResponseFeature>();
        IHttpResponseBodyFeature output = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        record.Status = response.StatusCode = answer.Status;
        if (answer.Location is null) record.Reason ??= answer.Reason;
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new { type = "about:blank", title = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(answer.Status), status = answer.Status, detail = answer.Detail, reason = answer.Reason });
        response.Headers.ContentType = "application/problem+json";
        response.Headers.ContentLength = body.Length;
        response.Headers["X-MarchProxy-Reason"] = answer.Reason;
        if (answer.Location is { } location) response.Headers.Location = location;
        else response.Headers["Proxy-Status"] = $"marchproxy; error={JsonNamingPolicy.SnakeCaseLower.ConvertName(answer.Error.ToString())}";
        if (answer.RetryAfterSeconds > 0) response.Headers.RetryAfter = answer.RetryAfterSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (answer.RateLimit > 0)
        {
            response.Headers["RateLimit-Policy"] = $"\"route\";q={answer.RateLimit};w=1";
            response.Headers["RateLimit"] = "\"route\";r=0;t=1";
        }

        await output.StartAsync();
        if (!HttpMethods.IsHead(context.GetRequiredFeature<IHttpRequestFeature>().Method)) await output.Writer.WriteAsync(body);
        await output.CompleteAsync();
        record.BytesOut = body.Length;
    }

    /// <summary>Passes a response on, head, content and trailers.</summary>
    /// <returns>Whether it came whole.</returns>
    public static async Task<bool> RelayAsync(IFeatureCollection context, HttpResponseMessage from, CompiledRoute route, AccessRecord record, CancellationToken aborted)
    {
        IHttpResponseFeature response = context.GetRequiredFeature<IHttpResponseFeature>();
        IHttpResponseBodyFeature output = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        response.StatusCode = (int)from.StatusCode;
        foreach (KeyValuePair<string, System.Net.Http.Headers.HeaderStringValues> field in from.Headers.NonValidated) Copy(response, field.Key, field.Value);
        foreach (KeyValuePair<string, System.Net.Http.Headers.HeaderStringValues> field in from.Content.Headers.NonValidated) Copy(response, field.Key, field.Value);
        response.Headers.Append("Via", $"{from.Version.Major}.{from.Version.Minor} marchproxy");
        foreach (FieldChange change in route.Route.ResponseHeaders)
        {
            if (change.Action != "add") response.Headers.Remove(change.Name);
            if (change.Action != "remove") response.Headers.Append(change.Name, change.Value);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            await using Stream content = await from.Content.ReadAsStreamAsync(aborted);
            PipeWriter writer = output.Writer;
            ValueTask<int> reading = content.ReadAsync(buffer, aborted);

            // A response that ended with its head goes on as one: gRPC tells a status so (Trailers-Only).
            bool open = !reading.IsCompleted;
            if (open) await output.StartAsync(aborted);
            for (int n; (n = await reading) > 0; reading = content.ReadAsync(buffer, aborted))
            {
                if (!open) await output.StartAsync(aborted);
                open = true;
                record.BytesOut += n;
                await writer.WriteAsync(buffer.AsMemory(0, n), aborted);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The head is gone out: only a reset tells the client that what it has is not the whole.
            record.Reason = "upstream-incomplete";
            context.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (context.Get<IHttpResponseTrailersFeature>() is { } trailers)
        {
            foreach (KeyValuePair<string, System.Net.Http.Headers.HeaderStringValues> field in from.TrailingHeaders.NonValidated) trailers.Trailers.Append(field.Key, field.Value.ToArray());
        }

        await output.CompleteAsync();
        return true;
    }

    private static void Copy(IHttpResponseFeature response, string name, System.Net.Http.Headers.HeaderStringValues values)
    {
        if (!s_dropped.Contains(name)) response.Headers[name] = values.ToArray();
    }
}
