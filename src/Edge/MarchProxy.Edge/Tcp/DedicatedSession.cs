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
internal sealed class DedicatedSession(EdgeLoop edge, TcpConnection client, ActiveListener listener) : StreamSession(edge, client, listener, "tcp")
{
    protected override async ValueTask<bool> ServeAsync()
    {
        var gate = new EgressGate();
        Endpoint[] targets = await DedicatedTarget.FindAsync(Edge, Listener.Resource, Client.Remote, EgressProtocols.Tcp, Record, gate);
        if (targets.Length == 0)
        {
            Client.Abort();
            return false;
        }

        ConnectResult result = await EgressTunnel.ConnectAsync(Edge, gate, targets, Record);
        if (result.Connection is not { } upstream)
        {
            Client.Abort();
            return false;
        }

        if (gate.Decision.Destination is { ProxyProtocol: true } && await upstream.SendAllAsync(ProxyHeader.Make(Client.Remote, Client.Local), Edge.Settings.BodyStallMs) < 0)
        {
            Edge.EgressLimits.Close(gate.Decision.Source);
            upstream.Close();
            Record.Reason = "upstream-reset";
            Client.Abort();
            return false;
        }

        await EgressTunnel.RunAsync(Edge, Client, upstream, gate, Record, default, watched: true);
        return false;
    }
}
