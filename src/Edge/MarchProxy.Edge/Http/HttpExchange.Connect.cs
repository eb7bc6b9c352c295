using MarchProxy.Edge.Egress;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    private static readonly byte[] s_established = [.. "HTTP/1.1 200 Connection established\r\n\r\n"u8];

    // RFC 9110 section 9.3.6
    private async ValueTask<bool> ConnectAsync()
    {
        if (!_edge.EgressLimits.Open(_gate.Decision.Source))
        {
            Record.Effect = "deny";
            return await RespondAsync(EgressAnswers.TooManyTunnels(_gate));
        }

        ConnectResult result = await TcpConnector.ConnectAsync(_edge.Loop, _targets.AsMemory(0, _targetCount), _edge.Settings.ConnectMs);
        if (result.Connection is not { } upstream)
        {
            _edge.EgressLimits.Close(_gate.Decision.Source);
            Record.Upstream = _targets[0];
            return await RespondAsync(LocalAnswers.ConnectFailed(result.Error));
        }

        UseUpstream(upstream, reused: false);
        ConsumeHead();
        Record.Status = 200;
        int sent = await _client.SendAllAsync(s_established, _edge.Settings.BodyStallMs);
        if (sent < 0)
        {
            _edge.EgressLimits.Close(_gate.Decision.Source);
            CloseUpstream();
            return false;
        }

        ReadOnlyMemory<byte> early = _session.PendingMemory;
        await EgressTunnel.RunAsync(_edge, _client, upstream, _gate, Record, early);
        _upstream = null;
        return false;
    }
}
