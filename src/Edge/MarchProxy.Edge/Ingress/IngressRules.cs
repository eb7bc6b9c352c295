using System.Net;
using System.Text;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Identity;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Routing;
using MarchProxy.Net.Tls;

namespace MarchProxy.Edge.Ingress;

/// <summary>What a route decides before anything is sent: the same rules for every HTTP that a request may come by.</summary>
internal static class IngressRules
{
    /// <summary>The route of a request, or null.</summary>
    /// <param name="config">The configuration that is obeyed.</param>
    /// <param name="host">The host as it was sent, without its port.</param>
    /// <param name="target">Path and query as they were sent.</param>
    /// <param name="method">The method.</param>
    /// <param name="request">Its fields and query.</param>
    public static Route? Find(EdgeConfig config, ReadOnlySpan<byte> host, ReadOnlySpan<byte> target, ReadOnlySpan<byte> method, IRequestFields request)
    {
        Span<char> name = stackalloc char[256];
        if (host.Length > name.Length) return null;
        for (int i = 0; i < host.Length; i++) name[i] = char.ToLowerInvariant((char)host[i]);
        int length = host.Length > 1 && name[host.Length - 1] == '.' ? host.Length - 1 : host.Length;
        int query = target.IndexOf((byte)'?');
        if (query >= 0) target = target[..query];
        return config.Snapshot.Routes.Match(name[..length], target.IsEmpty ? "/"u8 : target, method, request);
    }

    /// <summary>The answer of a route that refuses or redirects; null when the request goes on to a backend.</summary>
    /// <param name="edge">The loop that the connection belongs to.</param>
    /// <param name="listener">The listener that it came in by.</param>
    /// <param name="route">The route.</param>
    /// <param name="request">The request.</param>
    /// <param name="left">What is left of its rate limit.</param>
    public static LocalResponse? Judge(EdgeLoop edge, ActiveListener listener, CompiledRoute route, in IngressRequest request, ref RateState left)
    {
        if (!ServesName(listener, request)) return Http.LocalAnswers.Misdirected;
        if (!route.Route.ClientNames.IsEmpty && request.Certificate?.IsOneOf(route.Route.ClientNames) != true) return Http.LocalAnswers.ClientNotNamed;
        if (route.Route.RateLimit is { } limit && Limited(edge, route, limit, request, ref left) is > 0 and var seconds) return Http.LocalAnswers.TooManyRequests(seconds, limit.RequestsPerSecond);
        return route.Route.Redirect is { } redirect ? Http.LocalAnswers.Redirected(redirect.Status, Location(redirect, request)) : null;
    }

    // RFC 9110 section 7.4: a connection that was made for one name asks for another only where one certificate is for both.
    private static bool ServesName(ActiveListener listener, in IngressRequest request) =>
        request.ServerName is null || listener.Certificates.Length < 2 || request.Host.IsEmpty
        || Ascii.EqualsIgnoreCase(request.Host, request.ServerName) || listener.SameCertificate(request.ServerName, Encoding.ASCII.GetString(request.Host));

    private static int Limited(EdgeLoop edge, CompiledRoute route, RouteRateLimit limit, in IngressRequest request, ref RateState left)
    {
        int burst = limit.Burst > 0 ? limit.Burst : limit.RequestsPerSecond;
        Span<byte> address = stackalloc byte[16];
        scoped ReadOnlySpan<byte> key = default;
        if (route.RateField is { } field)
        {
            request.Fields.TryGetField(field, out key);
        }
        else if (route.RateCookie is { } cookie)
        {
            if (request.Fields.TryGetField("cookie"u8, out ReadOnlySpan<byte> cookies)) Cookies.TryGet(cookies, cookie, out key);
        }
        else if (limit.Key == "address" && request.Client is { } client && client.TryWriteBytes(address, out int length))
        {
            key = address[..length];
        }

        return edge.Rates.Take(route.Route.Name, key, limit.RequestsPerSecond, burst, ref left);
    }

    private static string Location(Redirect redirect, in IngressRequest request)
    {
        int mark = request.Target.IndexOf((byte)'?');
        string query = mark < 0 ? "" : Encoding.Latin1.GetString(request.Target[mark..]);
        string path = redirect.Path.Length > 0 ? redirect.Path : Encoding.Latin1.GetString(mark < 0 ? request.Target : request.Target[..mark]);
        string scheme = redirect.Scheme.Length > 0 ? redirect.Scheme : request.IsSecure ? "https" : "http";

        // Another scheme has another port: the one that was asked would be wrong there.
        string host = redirect.Host.Length > 0 ? redirect.Host : Encoding.Latin1.GetString(redirect.Scheme.Length > 0 ? request.Host : request.Authority);
        if (host.Contains(':', StringComparison.Ordinal) && redirect is { Host: "", Scheme.Length: > 0 } && !host.StartsWith('[')) host = $"[{host}]";
        return $"{scheme}://{host}{(path.Length == 0 ? "/" : path)}{query}";
    }
}

/// <summary>A request as the rules of a route see it.</summary>
internal readonly ref struct IngressRequest
{
    /// <summary>Its fields and query.</summary>
    public required IRequestFields Fields { get; init; }

    /// <summary>The client's address.</summary>
    public required IPAddress? Client { get; init; }

    /// <summary>Who the client's certificate says it is; null without one.</summary>
    public required TlsIdentity? Certificate { get; init; }

    /// <summary>The name that its TLS was made for; null without TLS or name.</summary>
    public required string? ServerName { get; init; }

    /// <summary>Whether it came over TLS.</summary>
    public required bool IsSecure { get; init; }

    /// <summary>Host and port as they were sent.</summary>
    public required ReadOnlySpan<byte> Authority { get; init; }

    /// <summary>The host alone.</summary>
    public required ReadOnlySpan<byte> Host { get; init; }

    /// <summary>Path and query as they were sent.</summary>
    public required ReadOnlySpan<byte> Target { get; init; }
}
