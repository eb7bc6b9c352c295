using System.Net;
using System.Text;
using MarchProxy.Edge.Config;
using MarchProxy.Model.Resources;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Endpoint = MarchProxy.Net.Endpoint;

namespace MarchProxy.Edge.Http2;

/// <summary>Makes the request that goes to an upstream out of one that came by HTTP/2.</summary>
internal static class Http2Request
{
    /// <summary>Fields of the client's hop alone (RFC 9110 section 7.6.1), those that we write ourselves, and those about its way that no stranger may tell.</summary>
    private static readonly HashSet<string> s_dropped = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE", "Transfer-Encoding", "Upgrade", "Host", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
    };

    public static HttpRequestMessage Make(IFeatureCollection context, IHttpRequestFeature request, EdgeConnection connection, CompiledRoute route, CompiledBackend backend, Endpoint endpoint)
    {
        bool secure = backend.Service.Protocol == "https", clear = backend.Service.Protocol == "h2c";
        string target = Encoding.Latin1.GetString([.. route.RequestRewrite.AddPrefix, .. route.RequestRewrite.Strip(Encoding.Latin1.GetBytes(request.RawTarget))]);
        if (!target.StartsWith('/')) target = "/" + target;
        var message = new HttpRequestMessage(new HttpMethod(request.Method), new Uri($"{(secure ? "https" : "http")}://{endpoint}{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }))
        {
            Version = secure || clear ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = clear ? HttpVersionPolicy.RequestVersionExact : HttpVersionPolicy.RequestVersionOrLower,
        };
        bool body = context.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;
        if (body) message.Content = new StreamedContent(context.GetRequiredFeature<IRequestBodyPipeFeature>().Reader, request.Headers.ContentLength);
        foreach ((string name, StringValues values) in request.Headers)
        {
            if (name.StartsWith(':') || s_dropped.Contains(name)) continue;
            Add(message, name, values);
        }

        // gRPC asks for trailers by this field, the one value that HTTP/2 allows (RFC 9113 section 8.2.2).
        if (request.Headers.TE == "trailers") message.Headers.TryAddWithoutValidation("TE", "trailers");
        message.Headers.Host = request.Headers.Host.ToString();
        message.Headers.TryAddWithoutValidation("Via", "2.0 marchproxy");
        if (connection.Client.Address is { } client) message.Headers.TryAddWithoutValidation("X-Forwarded-For", client.ToString());
        message.Headers.TryAddWithoutValidation("X-Forwarded-Proto", connection.IsSecure ? "https" : "http");
        message.Headers.TryAddWithoutValidation("X-Forwarded-Host", request.Headers.Host.ToString());
        foreach (FieldChange change in route.Route.RequestHeaders)
        {
            if (change.Action != "add") Remove(message, change.Name);
            if (change.Action != "remove") Add(message, change.Name, change.Value);
        }

        return message;
    }

    private static void Add(HttpRequestMessage message, string name, StringValues values)
    {
        if (!message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values)) message.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
    }

    private static void Remove(HttpRequestMessage message, string name)
    {
        message.Headers.Remove(name);
        message.Content?.Headers.Remove(name);
    }
}
