using System.Runtime.CompilerServices;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Upstream;
using MarchProxy.Net;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    private BodyState _bodyState;
    private LocalResponse? _bodyRefusal;
    private bool _bodyTaken;

    /// <summary>How far the request's content has come.</summary>
    private enum BodyState : byte
    {
        None,
        Sending,
        Done,
        ClientFailed,
        UpstreamFailed,
        Malformed,
        Refused,
    }

    /// <summary>Settles how the request's content goes to this upstream.</summary>
    private ContentFraming BeginBody(UpstreamStream upstream)
    {
        _bodyState = _request.Body == BodyKind.None ? BodyState.Done : BodyState.Sending;
        _bodyRefusal = null;
        if (_bodyState == BodyState.Done) return ContentFraming.None;
        bool raw = _request.Body == BodyKind.Chunked && _client.MajorVersion == 1 && upstream.MajorVersion == 1 && _requestFilters == 0;
        _client.BeginContent(_request, raw);
        return raw ? ContentFraming.RawChunks : _request.Body == BodyKind.Chunked ? ContentFraming.Pieces : ContentFraming.Plain;
    }

    /// <summary>Streams the request's content; runs beside the reading of the response, which may come before the content has ended.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<int> PumpBodyAsync(UpstreamStream upstream)
    {
        long stall = _edge.Settings.BodyStallMs;
        while (true)
        {
            ContentStatus status = _client.TryReadContent(out ReadOnlyMemory<byte> piece);
            if (status == ContentStatus.Wait)
            {
                int ready = await _client.ContentReadableAsync(stall);
                if (ready < 0) return FailBody(ready == -Errno.ECANCELED && !_client.IsClosed ? BodyState.UpstreamFailed : BodyState.ClientFailed, upstream);
                continue;
            }

            if (status is not (ContentStatus.Data or ContentStatus.Last)) return FailBody(status == ContentStatus.Malformed ? BodyState.Malformed : BodyState.ClientFailed, upstream);
            bool last = status == ContentStatus.Last;
            _bodyTaken = true;
            if (Refuses(piece.Span, last)) return FailBody(BodyState.Refused, upstream);
            int sent = await upstream.SendContentAsync(piece, last, last ? _client.Trailers : default, stall);
            if (sent < 0) return FailBody(BodyState.UpstreamFailed, upstream);
            _client.ConsumeContent();
            if (!last) continue;
            _bodyState = BodyState.Done;
            return 0;
        }
    }

    private bool Refuses(ReadOnlySpan<byte> piece, bool last)
    {
        if (_edge.Settings.MaxRequestBodyBytes > 0 && _client.ContentBytes > _edge.Settings.MaxRequestBodyBytes) _bodyRefusal = LocalAnswers.BodyTooLarge;
        else if (_requestFilters > 0) _bodyRefusal = FilterRequest(piece, last);
        return _bodyRefusal is not null;
    }

    private int FailBody(BodyState state, UpstreamStream upstream)
    {
        _bodyState = state;
        if (state == BodyState.ClientFailed) _clientGone = true;

        // The upstream must not take what came for the whole.
        if (state != BodyState.UpstreamFailed) upstream.Close();
        return -Errno.ECANCELED;
    }

    /// <summary>The response is over. A body that is still under way is given up, and the connections with it.</summary>
    private async ValueTask<bool> EndBodyAsync(ValueTask<int> body)
    {
        if (_bodyState == BodyState.Sending)
        {
            _upstream?.Close();
            _client.CancelRead();
        }

        await body;
        if (_bodyState == BodyState.Done) return true;
        if (!_client.IsClosed && !_clientGone && Record.Status != 0) await _client.CloseAsync(nothingComes: false);
        return false;
    }
}
