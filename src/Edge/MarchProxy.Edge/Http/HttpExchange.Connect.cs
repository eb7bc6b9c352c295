using System.Diagnostics;
using MarchProxy.Edge.Egress;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    // RFC 9110 section 9.3.6
    private async ValueTask<bool> ConnectAsync()
    {
        if (!_edge.EgressLimits.Open(_gate.Decision.Source))
        {
            Record.Effect = "deny";
            return await RespondAsync(EgressAnswers.TooManyTunnels(_gate));
        }

        ConnectResult result = await _edge.ConnectAsync(_targets.AsMemory(0, _targetCount));
        if (result.Connection is not { } upstream)
        {
            _edge.EgressLimits.Close(_gate.Decision.Source);
            Record.Upstream = _targets[0];
            return await RespondAsync(LocalAnswers.ConnectFailed(result.Error));
        }

        Record.Upstream = upstream.Remote;
        Record.Connected = Stopwatch.GetTimestamp();
        ConsumeHead();
        Record.Status = 200;
        _toClient.Clear();
        _toClient.Append("HTTP/1.1 200 Connection established\r\n\r\n"u8);
        if (!_client.BeginResponse(ContentFraming.Plain) || await _client.FlushAsync(_edge.Settings.BodyStallMs) < 0)
        {
            _edge.EgressLimits.Close(_gate.Decision.Source);
            upstream.Close();
            return false;
        }

        await EgressTunnel.RunAsync(_edge, _client.Bytes, upstream, _gate, Record, _client.TakeEarly());
        return false;
    }
}
