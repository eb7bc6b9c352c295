using System.Diagnostics;
using System.Text;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Tunnels;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Transparent;

/// <summary>
/// A connection that the kernel caught on its way. Its client is known by its address, its destination by the address that it was going to and by what its
/// first bytes name: TLS by its server name, HTTP by each request's Host. A name that is allowed opens only the addresses that it has by our own resolving.
/// </summary>
internal sealed class TransparentSession : IEdgeSession
{
    private readonly EdgeLoop _edge;
    private readonly TcpConnection _client;
    private readonly ActiveListener _listener;
    private readonly EdgeConfig _config;
    private readonly AccessRecord _record = new();
    private readonly EgressGate _gate = new();

    private TransparentSession(EdgeLoop edge, TcpConnection client, ActiveListener listener)
    {
        _edge = edge;
        _client = client;
        _listener = listener;
        _config = edge.Config;
    }

    IEdgeSession? IEdgeSession.Next { get; set; }

    IEdgeSession? IEdgeSession.Previous { get; set; }

    /// <summary>Takes a fresh connection over.</summary>
    public static void Start(EdgeLoop edge, TcpConnection client, ActiveListener listener)
    {
        var session = new TransparentSession(edge, client, listener);
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
        _record.Kind = "transparent";
        bool handedOver = false;
        try
        {
            handedOver = await ServeAsync();
        }
        catch (Exception e)
        {
            _edge.ReportDefect(e);
        }
        finally
        {
            _edge.Sessions.Remove(this);
            if (!handedOver)
            {
                _client.Close();
                _record.Ended = Stopwatch.GetTimestamp();
                _edge.Finish(_record);
            }
        }
    }

    /// <returns>Whether an HTTP session has the connection now.</returns>
    private async ValueTask<bool> ServeAsync()
    {
        Endpoint destination = _listener.Resource.Via == "redirect" ? _client.OriginalDestination : _client.Local;
        if (destination == default || destination == _listener.Endpoint)
        {
            _record.Reason = "not-caught";
            return false;
        }

        // By the address alone first: a server may be the one that speaks first.
        Decide(destination);
        EgressDecision decision = _gate.Decide(_config.Snapshot.Egress);
        string name = "";
        if (!decision.Passes && decision.Reason != DenyReason.ExplicitDeny)
        {
            (HelloStatus status, name) = await SniffAsync();
            if (status == HelloStatus.NotTls && name.Length == 0)
            {
                HttpSession.Start(_edge, _client, _listener, destination);
                return true;
            }
        }

        await TunnelAsync(destination, name);
        return false;
    }

    private void Decide(in Endpoint destination)
    {
        _record.SetHost(destination.Address!.ToString());
        _gate.SetSource(null, _client.Remote.Address is { } address ? _config.Snapshot.Egress.FindByAddress(address) : [], EgressProtocols.Tcp | EgressProtocols.Https, _edge.Now);
        _gate.SetDestination(destination.Address!, destination.Port);
    }

    /// <summary>What the client's first bytes are: TLS and its server name, or HTTP (told as no TLS and no name), or anything else (told by a dash).</summary>
    private async ValueTask<(HelloStatus Status, string Name)> SniffAsync()
    {
        byte[] buffer = new byte[ClientHello.MaxBytes];
        for (int seen = 0; ;)
        {
            int n = await _client.PeekAsync(buffer, seen, _edge.Settings.HandshakeMs);
            if (n < 0 || n == seen) return (HelloStatus.Malformed, "-");
            seen = n;
            HelloStatus status = ClientHello.Read(buffer.AsSpan(0, seen), out string name);
            if (status == HelloStatus.NeedMore && seen < buffer.Length) continue;
            if (status == HelloStatus.NotTls && buffer[0] is not (>= (byte)'A' and <= (byte)'Z')) return (status, "-");
            return (status, name);
        }
    }

    private async ValueTask TunnelAsync(Endpoint destination, string name)
    {
        Endpoint[] targets;
        bool named = name.Length > 1;
        if (named)
        {
            _record.SetHost(name);
            if (!_gate.SetDestination(Encoding.ASCII.GetBytes(name), isIPv6: false, destination.Port))
            {
                EgressAdmission.Note(_record, new EgressDecision(Model.Resources.MappingEffect.Deny, DenyReason.BadDestination, null, null, null, destination.Port), _gate.AnySource);
                return;
            }
        }

        targets = await EgressAdmission.AdmitAsync(_edge, _config, _gate, _record);
        if (targets.Length == 0) return;
        Endpoint target = targets.FirstOrDefault(t => Equals(t.Address, destination.Address));
        if (target == default || !_edge.EgressLimits.Open(_gate.Decision.Source))
        {
            _record.Effect = "deny";
            _record.Reason = (target == default ? DenyReason.NameAddressMismatch : DenyReason.RateLimited).Code();
            return;
        }

        ConnectResult result = await TcpConnector.ConnectAsync(_edge.Loop, target, _edge.Settings.ConnectMs);
        if (result.Connection is not { } upstream)
        {
            _edge.EgressLimits.Close(_gate.Decision.Source);
            _record.Upstream = target;
            _record.Reason = "upstream-" + Errno.Name(result.Error);
            _client.Abort();
            return;
        }

        await EgressTunnel.RunAsync(_edge, _client, upstream, _gate, _record, default, watched: named);
    }
}
