using System.Text;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Edge.Tcp;
using MarchProxy.Edge.Tunnels;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Transparent;

/// <summary>
/// A connection that the kernel caught on its way. Its client is known by its address, its destination by the address that it was going to and by what its
/// first bytes name: TLS by its server name, HTTP by each request's Host. A name that is allowed opens only the addresses that it has by our own resolving.
/// </summary>
internal sealed class TransparentSession(EdgeLoop edge, TcpConnection client, ActiveListener listener) : StreamSession(edge, client, listener, "transparent")
{
    private readonly EdgeConfig _config = edge.Config;
    private readonly EgressGate _gate = new();

    protected override async ValueTask<bool> ServeAsync()
    {
        Endpoint destination = Listener.Resource.Via == "redirect" ? Client.OriginalDestination : Client.Local;
        if (destination == default || destination == Listener.Endpoint)
        {
            Record.Reason = "not-caught";
            return false;
        }

        // By the address alone first: a server may be the one that speaks first.
        Aim(destination);
        EgressDecision decision = _gate.Decide(_config.Snapshot.Egress);
        string name = "";
        if (!decision.Passes && decision.Reason != DenyReason.ExplicitDeny)
        {
            (HelloStatus status, name) = await SniffAsync();
            if (status == HelloStatus.NotTls && name.Length == 0)
            {
                HttpSession.Start(Edge, Client, Listener, destination);
                return true;
            }
        }

        await TunnelAsync(destination, name);
        return false;
    }

    private void Aim(in Endpoint destination)
    {
        Record.SetHost(destination.Address!.ToString());
        _gate.SetSource(null, Client.Remote.Address is { } address ? _config.Snapshot.Egress.FindByAddress(address) : [], EgressProtocols.Tcp | EgressProtocols.Https, Edge.Now);
        _gate.SetDestination(destination.Address!, destination.Port);
    }

    /// <summary>What the client's first bytes are: TLS and its server name, or HTTP (told as no TLS and no name), or anything else (told by a dash).</summary>
    private async ValueTask<(HelloStatus Status, string Name)> SniffAsync()
    {
        byte[] buffer = new byte[ClientHello.MaxBytes];
        for (int seen = 0; ;)
        {
            int n = await Client.PeekAsync(buffer, seen, Edge.Settings.HandshakeMs);
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
        bool named = name.Length > 1;
        if (named)
        {
            Record.SetHost(name);
            if (!_gate.SetDestination(Encoding.ASCII.GetBytes(name), isIPv6: false, destination.Port))
            {
                EgressAdmission.Note(Record, new EgressDecision(Model.Resources.MappingEffect.Deny, DenyReason.BadDestination, null, null, null, destination.Port), _gate.AnySource);
                return;
            }
        }

        Endpoint[] targets = await EgressAdmission.AdmitAsync(Edge, _config, _gate, Record);
        if (targets.Length == 0) return;
        Endpoint target = targets.FirstOrDefault(t => Equals(t.Address, destination.Address));
        if (target == default)
        {
            Record.Effect = "deny";
            Record.Reason = DenyReason.NameAddressMismatch.Code();
            return;
        }

        ConnectResult result = await EgressTunnel.ConnectAsync(Edge, _gate, new[] { target }, Record);
        if (result.Connection is not { } upstream)
        {
            if (result.Error != 0) Client.Abort();
            return;
        }

        await EgressTunnel.RunAsync(Edge, Client, upstream, _gate, Record, default, watched: named);
    }
}
