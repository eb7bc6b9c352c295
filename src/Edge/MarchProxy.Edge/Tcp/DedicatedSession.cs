using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
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

    public void Kill() => _client.Abort();

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
        var gate = new EgressGate();
        Endpoint[] targets = await DedicatedTarget.FindAsync(_edge, _listener.Resource, _client.Remote, EgressProtocols.Tcp, _record, gate);
        if (targets.Length == 0)
        {
            _client.Abort();
            return;
        }

        if (!_edge.EgressLimits.Open(gate.Decision.Source))
        {
            _record.Effect = "deny";
            _record.Reason = DenyReason.RateLimited.Code();
            _client.Abort();
            return;
        }

        ConnectResult result = await TcpConnector.ConnectAsync(_edge.Loop, targets, _edge.Settings.ConnectMs);
        if (result.Connection is not { } upstream)
        {
            _edge.EgressLimits.Close(gate.Decision.Source);
            _record.Upstream = targets[0];
            _record.Reason = "upstream-" + Errno.Name(result.Error);
            _client.Abort();
            return;
        }

        if (gate.Decision.Destination is { ProxyProtocol: true } && await upstream.SendAllAsync(ProxyHeader.Make(_client.Remote, _client.Local), _edge.Settings.BodyStallMs) < 0)
        {
            _edge.EgressLimits.Close(gate.Decision.Source);
            upstream.Close();
            _record.Reason = "upstream-reset";
            _client.Abort();
            return;
        }

        await EgressTunnel.RunAsync(_edge, _client, upstream, gate, _record, default, watched: true);
    }
}
