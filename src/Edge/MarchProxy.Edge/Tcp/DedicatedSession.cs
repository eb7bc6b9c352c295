using System.Diagnostics;
using System.Text;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Tunnels;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Dns;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Tcp;

/// <summary>
/// A connection of a dedicated listener: TCP straight to one service, under the same decision as everything else. The client is known by its
/// address alone.
/// </summary>
internal sealed class DedicatedSession : IEdgeSession
{
    private readonly EdgeLoop _edge;
    private readonly TcpConnection _client;
    private readonly ActiveListener _listener;
    private readonly AccessRecord _record = new() { Kind = "tcp" };
    private Tunnel? _tunnel;

    private DedicatedSession(EdgeLoop edge, TcpConnection client, ActiveListener listener)
    {
        _edge = edge;
        _client = client;
        _listener = listener;
    }

    IEdgeSession? IEdgeSession.Next { get; set; }

    IEdgeSession? IEdgeSession.Previous { get; set; }

    /// <summary>Takes a fresh connection over.</summary>
    public static void Start(EdgeLoop edge, TcpConnection client, ActiveListener listener)
    {
        var session = new DedicatedSession(edge, client, listener);
        edge.Sessions.Add(session);
        _ = session.RunAsync();
    }

    /// <summary>A stream has no place at which it could be ended without loss: it is left alone until the deadline.</summary>
    public void Drain()
    {
    }

    public void Kill()
    {
        if (_tunnel is not null) _tunnel.Close();
        else _client.Abort();
    }

    private async Task RunAsync()
    {
        _record.Begin(_listener.Name, _client.Remote);
        _record.Kind = "tcp";
        try
        {
            await ServeAsync();
        }
        catch (Exception e)
        {
            _edge.ReportDefect(e);
        }
        finally
        {
            _client.Close();
            _record.Ended = Stopwatch.GetTimestamp();
            _edge.Finish(_record);
            _edge.Sessions.Remove(this);
        }
    }

    private async ValueTask ServeAsync()
    {
        EdgeConfig config = _edge.Config;
        EgressPolicy policy = config.Snapshot.Egress;
        var gate = new EgressGate();
        Service? service = policy.FindService(_listener.Resource.Service);
        if (service is null || service.Addresses.IsEmpty)
        {
            _record.Reason = "no-backend-address";
            return;
        }

        string host = service.Addresses[0];
        int port = _listener.Resource.ServicePort > 0 ? _listener.Resource.ServicePort : service.Ports.Preferred;
        _record.SetHost(host);
        bool known = gate.SetDestination(Encoding.ASCII.GetBytes(host), host.Contains(':', StringComparison.Ordinal), port);
        gate.SetSource(null, _client.Remote.Address is { } address ? policy.FindByAddress(address) : [], EgressProtocols.Tcp, _edge.Now);
        EgressDecision decision = known ? gate.Decide(policy) : new EgressDecision(MappingEffect.Deny, DenyReason.BadDestination, null, null, service, port);
        if (decision.Passes && !gate.TryResolve(policy, _edge.Resolver))
        {
            ResolveResult resolved = await _edge.Resolver.ResolveAsync(gate.HostText);
            await _edge.Loop.Enter();
            gate.Resolved = resolved;
        }

        var targets = new Endpoint[8];
        int count = decision.Passes ? gate.FillTargets(policy, targets) : 0;
        if (decision.Passes) decision = gate.Decision;
        _record.Effect = decision.Effect switch { MappingEffect.Allow => "allow", MappingEffect.Report => "report", _ => "deny" };
        _record.Rule = decision.Mapping?.Name;
        _record.Source = (decision.Source ?? gate.AnySource)?.Name;
        _record.Destination = service.Name;
        if (count == 0)
        {
            _record.Reason = decision.Passes ? "dns-failure" : decision.Reason.Code();
            _client.Abort();
            return;
        }

        ConnectResult result = await TcpConnector.ConnectAsync(_edge.Loop, targets.AsMemory(0, count), _edge.Settings.ConnectMs);
        if (result.Connection is not { } upstream)
        {
            _record.Upstream = targets[0];
            _record.Reason = "upstream-" + Errno.Name(result.Error);
            _client.Abort();
            return;
        }

        _record.Upstream = upstream.Remote;
        _record.Connected = Stopwatch.GetTimestamp();
        _tunnel = new Tunnel(_edge.Loop, _client, upstream, _edge.Settings.TunnelIdleMs);
        TunnelEnd end = await _tunnel.RunAsync();
        _record.BytesIn = _tunnel.BytesUp;
        _record.BytesOut = _tunnel.BytesDown;
        if (end != TunnelEnd.Completed) _record.Reason = TunnelEnds.Code(end);
    }
}
