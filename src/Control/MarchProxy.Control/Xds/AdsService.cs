using System.Globalization;
using MarchProxy.Control.Api;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Rpc;
using MarchProxy.Rpc.Discovery;
using MarchProxy.Rpc.Server;
using MarchProxy.Telemetry.Logs;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Xds;

/// <summary>
/// The aggregated discovery service: state of the world and delta, for planes that prove themselves by a key of their cluster. One push is on its way at a time;
/// edits that come meanwhile are gathered into the next.
/// </summary>
public sealed class AdsService(AdsHub hub, PlaneRegistry planes, ClusterKeys keys, FlowBook flows, AccessDesk access, ProcessLog log)
{
    private readonly RpcServerOptions _options = new()
    {
        MaxReceiveBytes = 8 << 20,
        OnDefect = (path, e) => log.Error("a defect of the manager's own", ("path", path), ("exception", e.ToString())),
    };

    private long _pushes, _accepted, _refused;

    /// <summary>Responses sent.</summary>
    public long Pushes => Interlocked.Read(ref _pushes);

    /// <summary>Responses that planes took.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Responses that planes refused.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Adds the methods.</summary>
    /// <param name="routes">Where to.</param>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapDuplex(DiscoveryMethods.Delta, DeltaAsync, _options).ForAnybody();
        routes.MapDuplex(DiscoveryMethods.Stream, WorldAsync, _options).ForAnybody();
        routes.MapDuplex(DiscoveryMethods.Report, ReportAsync, _options).ForAnybody();
    }

    private async Task DeltaAsync(IAsyncEnumerable<DeltaDiscoveryRequest> requests, RpcWriter<DeltaDiscoveryResponse> writer, RpcServerCall call)
    {
        string cluster = Authenticate(call);
        using AdsFeed feed = hub.Open(cluster);
        var subscription = new Subscription();
        string node = "", nonce = "";
        bool first = true;
        await ServeAsync(requests, feed, async request =>
        {
            if (request is not null)
            {
                if (first)
                {
                    node = request.Node?.Id ?? "";
                    DemandType(request.TypeUrl);
                    subscription.Knows(request.InitialResourceVersions);
                    if (request.ResourceNamesSubscribe.Count == 0) subscription.Subscribe(["*"]);
                }

                first = false;

                // Subscriptions count whatever the nonce: only the answer to a push belongs to one.
                subscription.Subscribe(request.ResourceNamesSubscribe);
                subscription.Unsubscribe(request.ResourceNamesUnsubscribe);
                if (request.ResponseNonce.Length > 0 && request.ResponseNonce == nonce) await AnsweredAsync(cluster, node, subscription, request.ErrorDetail);
            }

            if (first) return;
            ClusterState state = feed.TakeInto(subscription);
            Push? next = subscription.Next(state, AdsHub.Find);
            await SettleAsync(cluster, node, state, subscription);
            if (next is not { } push) return;
            nonce = Interlocked.Increment(ref _pushes).ToString(CultureInfo.InvariantCulture);
            var response = new DeltaDiscoveryResponse { SystemVersionInfo = push.Version, TypeUrl = DiscoveryMethods.DomainType, Nonce = nonce };
            response.Resources.AddRange(push.Changed.Select(c => new Resource { Name = c.Key, Version = c.Value.Digest.ToString(), Resource_ = Subscription.Pack(c.Value) }));
            response.RemovedResources.AddRange(push.Removed);
            await writer.WriteAsync(response, call.Cancellation);
        }, call.Cancellation);
    }

    private async Task WorldAsync(IAsyncEnumerable<DiscoveryRequest> requests, RpcWriter<DiscoveryResponse> writer, RpcServerCall call)
    {
        string cluster = Authenticate(call);
        using AdsFeed feed = hub.Open(cluster);
        var subscription = new Subscription();
        var names = new HashSet<string>(StringComparer.Ordinal);
        string node = "", nonce = "";
        bool first = true;
        await ServeAsync(requests, feed, async request =>
        {
            if (request is not null)
            {
                if (first)
                {
                    node = request.Node?.Id ?? "";
                    DemandType(request.TypeUrl);
                }

                // A request with an old nonce was sent before the peer saw our last response: its answer will follow.
                if (!first && request.ResponseNonce != nonce) return;
                if (!first) await AnsweredAsync(cluster, node, subscription, request.ErrorDetail);
                var wanted = request.ResourceNames.Count == 0 ? new HashSet<string> { "*" } : request.ResourceNames.ToHashSet(StringComparer.Ordinal);
                subscription.Unsubscribe(names.Except(wanted));
                subscription.Subscribe(wanted.Except(names));
                names = wanted;
                first = false;
            }

            if (first) return;
            ClusterState state = feed.TakeInto(subscription);
            Push? next = subscription.Next(state, AdsHub.Find);
            await SettleAsync(cluster, node, state, subscription);
            if (next is not { } push) return;
            nonce = Interlocked.Increment(ref _pushes).ToString(CultureInfo.InvariantCulture);
            var response = new DiscoveryResponse { VersionInfo = push.Version, TypeUrl = DiscoveryMethods.DomainType, Nonce = nonce };
            response.Resources.AddRange(state.All.Where(e => names.Contains("*") || names.Contains(Subscription.NameOf(e))).Select(Subscription.Pack));
            await writer.WriteAsync(response, call.Cancellation);
        }, call.Cancellation);
    }

    private async Task ReportAsync(IAsyncEnumerable<PlaneReport> reports, RpcWriter<PlaneReportAnswer> writer, RpcServerCall call)
    {
        string cluster = Authenticate(call);
        string name = "";
        try
        {
            await foreach (PlaneReport report in reports)
            {
                name = report.Name;
                if (name.Length is 0 or > 100) throw new RpcException(RpcCode.InvalidArgument, "A plane has a name of 1 to 100 characters.");

                // First what may fail: a report that is not answered comes again.
                await access.CountAsync(cluster, report.DatabaseUses);
                string state = await planes.ReportAsync(cluster, report);
                flows.Add(cluster, report.Flows);
                await access.CountAsync(cluster, report.KeyUses);
                await writer.WriteAsync(new PlaneReportAnswer { IntervalMs = (long)PlaneRegistry.ReportInterval.TotalMilliseconds, State = state }, call.Cancellation);
            }
        }
        finally
        {
            if (name.Length > 0) planes.Left(cluster, name);
        }
    }

    /// <summary>Turns requests and edits into one sequence of steps; a step with null is an edit.</summary>
    private static async Task ServeAsync<T>(IAsyncEnumerable<T> requests, AdsFeed feed, Func<T?, Task> step, CancellationToken cancellation)
        where T : class
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using IAsyncEnumerator<T> incoming = requests.GetAsyncEnumerator(ended.Token);
        Task<bool> request = incoming.MoveNextAsync().AsTask();
        Task<bool> edit = feed.Signal.WaitToReadAsync(ended.Token).AsTask();
        try
        {
            while (true)
            {
                await Task.WhenAny(request, edit);
                if (request.IsCompleted)
                {
                    if (!await request) return;
                    await step(incoming.Current);
                    request = incoming.MoveNextAsync().AsTask();
                }
                else
                {
                    await edit;
                    feed.Signal.TryRead(out _);
                    await step(null);
                    edit = feed.Signal.WaitToReadAsync(ended.Token).AsTask();
                }
            }
        }
        finally
        {
            // An enumerator must not be disposed of while it is asked for more.
            await ended.CancelAsync();
            await Task.WhenAll(request, edit).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private async Task AnsweredAsync(string cluster, string node, Subscription subscription, Status? error)
    {
        if (error is null)
        {
            if (subscription.Accepted() is not { } taken) return;
            Interlocked.Increment(ref _accepted);
            await planes.AnsweredAsync(cluster, node, taken.Version, null);
        }
        else if (subscription.Refused() is { } refused)
        {
            Interlocked.Increment(ref _refused);
            string reason = error.Message.Length > 2000 ? error.Message[..2000] : error.Message;
            await planes.AnsweredAsync(cluster, node, refused.Version, reason.Length > 0 ? reason : "refused without a reason");
        }
    }

    private async Task SettleAsync(string cluster, string node, ClusterState state, Subscription subscription)
    {
        if (!subscription.HasRecovered) return;
        subscription.HasRecovered = false;
        await planes.AnsweredAsync(cluster, node, state.Version, null);
    }

    private string Authenticate(RpcServerCall call)
    {
        string header = call.Header("authorization") ?? "";
        string? key = header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header[7..].Trim() : null;
        if (keys.Verify(key, out string why) is { } cluster) return cluster;
        log.Warn("a plane was refused", ("from", call.Http.Connection.RemoteIpAddress?.ToString() ?? ""), ("reason", why));
        throw new RpcException(RpcCode.Unauthenticated, $"The cluster's API key was refused: {why}.");
    }

    private static void DemandType(string type)
    {
        if (type != DiscoveryMethods.DomainType) throw new RpcException(RpcCode.InvalidArgument, $"The resource type {type} is not served.");
    }
}
