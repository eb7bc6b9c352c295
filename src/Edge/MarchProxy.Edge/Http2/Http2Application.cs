using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Ingress;
using MarchProxy.Edge.Upstream;
using MarchProxy.Net;
using MarchProxy.Net.Dns;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace MarchProxy.Edge.Http2;

/// <summary>Serves one HTTP/2 request: finds its route, obeys the route's rules, and lets it pass both ways at once, trailers and all, as gRPC needs.</summary>
internal sealed class Http2Application(UpstreamClients clients) : IHttpApplication<IFeatureCollection>
{
    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception)
    {
    }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        EdgeConnection connection = context.GetRequiredFeature<EdgeConnection>();
        IHttpRequestFeature request = context.GetRequiredFeature<IHttpRequestFeature>();
        var record = new AccessRecord();
        record.Begin(connection.Listener.Name, connection.Client);
        record.Kind = "http2";
        try
        {
            await ServeAsync(context, request, connection, record);
        }
        catch (OperationCanceledException) when (context.Get<IHttpRequestLifetimeFeature>()?.RequestAborted.IsCancellationRequested == true)
        {
            record.Status = record.Status == 0 ? 499 : record.Status;
            record.Reason = "client-left";
        }
        catch (Exception e)
        {
            connection.Edge.ReportDefect(e);
            context.Get<IHttpRequestLifetimeFeature>()?.Abort();
        }
        finally
        {
            record.Ended = Stopwatch.GetTimestamp();
            connection.Edge.Loop.Post(static state =>
            {
                var (edge, finished) = ((Loops.EdgeLoop, AccessRecord))state!;
                edge.Finish(finished);
            }, (connection.Edge, record));
        }
    }

    private async Task ServeAsync(IFeatureCollection context, IHttpRequestFeature request, EdgeConnection connection, AccessRecord record)
    {
        EdgeConfig config = connection.Edge.Config;
        string authority = request.Headers.Host.ToString();
        byte[] target = Encoding.Latin1.GetBytes(request.RawTarget), method = Encoding.ASCII.GetBytes(request.Method), authorityBytes = Encoding.Latin1.GetBytes(authority);
        byte[] host = Encoding.Latin1.GetBytes(HostOf(authority));
        record.SetRequest(method, authorityBytes, target);
        var fields = new RequestFields(request);
        CompiledRoute? route = request.Method != "CONNECT" && IngressRules.Find(config, host, target, method, fields) is { } found ? config.Compiled(found) : null;
        LocalResponse? answer = LocalAnswers.NoRoute;
        if (route is not null)
        {
            record.Rule = route.Route.Name;
            answer = IngressRules.Judge(connection.Edge, connection.Listener, route, new IngressRequest
            {
                Fields = fields,
                Client = connection.Client.Address,
                ServerName = connection.ServerName,
                IsSecure = connection.IsSecure,
                Authority = authorityBytes,
                Host = host,
                Target = target,
            });
        }

        if (answer is not null)
        {
            await Http2Answers.WriteAsync(context, record, answer.Value);
            return;
        }

        long now = Environment.TickCount64;
        CompiledBackend backend = route!.Pick(now);
        record.Destination = backend.Service.Name;
        EndpointState? state = backend.Endpoints.Length > 0 ? backend.Choose(route.KeyOf(fields, connection.Client.Address), now) : null;
        Endpoint? endpoint = state?.Endpoint ?? await ResolveAsync(connection, backend);
        if (endpoint is null)
        {
            await Http2Answers.WriteAsync(context, record, LocalAnswers.NoBackendAddress);
            return;
        }

        bool counted = state is not null && backend.Counts;
        if (counted) Interlocked.Increment(ref state!.Active);
        try
        {
            record.Upstream = endpoint.Value;
            bool well = await PassAsync(context, request, connection, route, backend, endpoint.Value, record);
            if (state is not null) route.Note(backend, state, !well, Environment.TickCount64);
        }
        finally
        {
            if (counted) Interlocked.Decrement(ref state!.Active);
        }
    }

    /// <returns>Whether the upstream did its part.</returns>
    private async Task<bool> PassAsync(IFeatureCollection context, IHttpRequestFeature request, EdgeConnection connection, CompiledRoute route, CompiledBackend backend, Endpoint endpoint, AccessRecord record)
    {
        CancellationToken aborted = context.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;
        using var late = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        late.CancelAfter(route.Route.Timeout > TimeSpan.Zero ? route.Route.Timeout : TimeSpan.FromMilliseconds(connection.Edge.Settings.ResponseHeadMs));
        using HttpMessageInvoker? own = backend.Service.ProxyProtocol ? UpstreamClients.ForOne(backend.Service, backend.TlsName, Tcp.ProxyHeader.Make(connection.Client, connection.Local)) : null;
        using HttpRequestMessage message = Http2Request.Make(context, request, connection, route, backend, endpoint);
        HttpResponseMessage response;
        try
        {
            response = await (own ?? clients.For(backend.Service, backend.TlsName)).SendAsync(message, late.Token);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !aborted.IsCancellationRequested))
        {
            LocalResponse refusal = e switch
            {
                OperationCanceledException => LocalAnswers.ResponseTimeout,
                HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => LocalAnswers.ConnectFailed(-Errno.ECONNREFUSED),
                HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => LocalAnswers.UpstreamTlsFailed(-Errno.EPROTO, e.InnerException?.Message ?? e.Message),
                _ => LocalAnswers.ResponseIncomplete,
            };
            await Http2Answers.WriteAsync(context, record, refusal);
            return false;
        }

        using (response)
        {
            late.CancelAfter(Timeout.InfiniteTimeSpan);
            record.FirstByte = Stopwatch.GetTimestamp();
            record.Status = (int)response.StatusCode;
            bool whole = await Http2Answers.RelayAsync(context, response, route, record, aborted);
            return whole && response.StatusCode is not (HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout);
        }
    }

    private static async ValueTask<Endpoint?> ResolveAsync(EdgeConnection connection, CompiledBackend backend)
    {
        if (backend.Name is null) return null;
        ResolveResult resolved = await connection.Edge.Resolver.ResolveAsync(backend.Name);
        return resolved.Addresses.IsDefaultOrEmpty ? null : Endpoint.From(resolved.Addresses[0], backend.Port);
    }

    private static string HostOf(string authority)
    {
        int colon = authority.LastIndexOf(':');
        bool port = colon > 0 && authority.IndexOf(']', StringComparison.Ordinal) < colon && int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _);
        return (port ? authority[..colon] : authority).Trim('[', ']');
    }
}
