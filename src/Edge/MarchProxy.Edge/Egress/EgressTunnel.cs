using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Tunnels;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Egress;

/// <summary>A tunnel that a policy let through: CONNECT, SOCKS, dedicated or caught on its way. It counts against its source, is watched, and ends when the policy changes its mind.</summary>
internal sealed class EgressTunnel
{
    private readonly EdgeLoop _edge;
    private readonly EgressGate _gate;
    private readonly AccessRecord _record;
    private readonly IByteStream _client;
    private readonly TcpConnection _upstream;
    private readonly Service? _source;
    private readonly Tunnel _tunnel;
    private DenyReason _ended;

    private EgressTunnel(EdgeLoop edge, IByteStream client, TcpConnection upstream, EgressGate gate, AccessRecord record, ReadOnlyMemory<byte> early, bool watched)
    {
        _edge = edge;
        _gate = gate;
        _record = record;
        _client = client;
        _upstream = upstream;
        _source = gate.Decision.Source;
        Guard = watched ? null : HelloGuard.For(gate.HostText, gate.IsAddress, gate.Decision);
        _tunnel = new Tunnel(edge.Loop, client, upstream, edge.Settings.TunnelIdleMs) { Guard = Guard, GuardMs = edge.Settings.HandshakeMs, Early = early };
    }

    private HelloGuard? Guard { get; }

    /// <summary>Connects for a tunnel, if its source may have one more. With a connection <see cref="RunAsync(EdgeLoop, IByteStream, TcpConnection, EgressGate, AccessRecord, ReadOnlyMemory{byte}, bool)"/> must follow.</summary>
    /// <param name="edge">The loop.</param>
    /// <param name="gate">The decision.</param>
    /// <param name="targets">What may be dialled; not empty.</param>
    /// <param name="record">Told why there is no connection.</param>
    /// <returns>The connection, or why there is none; no error number when the source may not.</returns>
    public static async ValueTask<ConnectResult> ConnectAsync(EdgeLoop edge, EgressGate gate, ReadOnlyMemory<Endpoint> targets, AccessRecord record)
    {
        if (!edge.EgressLimits.Open(gate.Decision.Source))
        {
            record.Effect = "deny";
            record.Reason = DenyReason.RateLimited.Code();
            return new ConnectResult(null, 0);
        }

        ConnectResult result = await edge.ConnectAsync(targets);
        if (result.Connection is not null) return result;
        edge.EgressLimits.Close(gate.Decision.Source);
        record.Upstream = targets.Span[0];
        record.Reason = "upstream-" + Errno.Name(result.Error);
        return result;
    }

    /// <summary>Runs the tunnel to its end, closes both sides and tells the record. The connection is from <see cref="ConnectAsync"/>, or the caller has had <see cref="Identity.EgressLimits.Open"/> say yes.</summary>
    /// <param name="edge">The loop.</param>
    /// <param name="client">The client.</param>
    /// <param name="upstream">The destination.</param>
    /// <param name="gate">The decision.</param>
    /// <param name="record">Told how it ended.</param>
    /// <param name="early">Bytes of the client's that were read already.</param>
    /// <param name="watched">Whether the stream's first bytes were judged already.</param>
    public static async ValueTask RunAsync(EdgeLoop edge, IByteStream client, TcpConnection upstream, EgressGate gate, AccessRecord record, ReadOnlyMemory<byte> early, bool watched = false)
    {
        var tunnel = new EgressTunnel(edge, client, upstream, gate, record, early, watched);
        edge.Tunnels.Add(tunnel);
        try
        {
            await tunnel.RunAsync();
        }
        finally
        {
            edge.Tunnels.Remove(tunnel);
            edge.EgressLimits.Close(tunnel._source);
        }
    }

    /// <summary>Ends the tunnel when a configuration no longer lets it through.</summary>
    public void Reconsider(EdgeConfig config)
    {
        if (_ended != DenyReason.None) return;
        EgressDecision decision = _gate.Reconsider(config.Snapshot.Egress, _client.Remote.Address, _upstream.Remote, _edge.Now);
        if (decision.Passes) return;
        _ended = decision.Reason;
        _tunnel.Close();
    }

    private async ValueTask RunAsync()
    {
        _record.Upstream = _upstream.Remote;
        if (_record.Connected == 0) _record.Connected = Stopwatch.GetTimestamp();
        TunnelEnd end = await _tunnel.RunAsync();
        _record.BytesIn = _tunnel.BytesUp;
        _record.BytesOut = _tunnel.BytesDown;
        if (end == TunnelEnd.Completed) return;
        DenyReason denied = end == TunnelEnd.Denied ? Guard!.Reason : _ended;
        _record.Reason = denied == DenyReason.None ? TunnelEnds.Code(end) : denied.Code();
        if (denied != DenyReason.None) _record.Effect = "deny";
    }
}
