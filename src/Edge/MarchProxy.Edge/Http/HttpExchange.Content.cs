using System.Runtime.CompilerServices;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    private const string ClientFault = "client-left";

    /// <summary>Streams the content behind the head that the client's stream has taken, through the filters.</summary>
    /// <returns>Null, or the reason code of what went wrong.</returns>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<string?> RelayContentAsync()
    {
        long stall = _edge.Settings.BodyStallMs;
        while (true)
        {
            ContentStatus status = _upstream!.TryReadContent(out ReadOnlyMemory<byte> piece);
            if (status is ContentStatus.Data or ContentStatus.Last)
            {
                bool last = status == ContentStatus.Last;
                if (_responseFilters > 0) piece = FilterResponse(piece, last);
                if (last || !piece.IsEmpty)
                {
                    int sent = await _client.SendContentAsync(piece, last, last ? _upstream.Trailers : default, stall);
                    if (sent < 0) return ClientFaultOf(sent);
                }

                _upstream.ConsumeContent();
                if (last) return null;
                continue;
            }

            if (status != ContentStatus.Wait) return Fault(status);
            if (_responseFilters > 0 && FilterPause() is { IsEmpty: false } held && await _client.SendContentAsync(held, last: false, default, stall) is < 0 and var failed) return ClientFaultOf(failed);

            // The head must not wait for content that comes late.
            if (await _client.FlushAsync(stall) is < 0 and var unsent) return ClientFaultOf(unsent);
            int ready = await _upstream.ContentReadableAsync(stall);
            if (ready < 0) return _clientGone ? ClientFault : ready == -Errno.ETIMEDOUT ? "upstream-stalled" : "upstream-reset";
        }
    }

    private static string ClientFaultOf(int error) => error == -Errno.ETIMEDOUT ? "client-stalled" : ClientFault;

    private string Fault(ContentStatus status) => status switch
    {
        ContentStatus.Malformed => "upstream-bad-chunk",
        ContentStatus.Truncated => "upstream-closed-early",
        ContentStatus.Overload => "overload",
        _ => _clientGone ? ClientFault : "upstream-reset",
    };
}
