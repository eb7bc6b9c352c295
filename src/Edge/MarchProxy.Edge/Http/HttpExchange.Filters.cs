using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Upstream;

namespace MarchProxy.Edge.Http;

/// <summary>
/// The one place where content passes, both ways: what filters there are sees and changes it here, for HTTP/1.1 and HTTP/2 alike. Compression, the storing of
/// responses, mirroring and limits on content are filters; a stored response is served by giving <see cref="ServeAsync"/> an upstream that holds it.
/// </summary>
internal sealed partial class HttpExchange
{
    /// <summary>Filters of one exchange: one of each kind that there is.</summary>
    private const int MaxFilters = 8;

    private readonly ExchangeFilter?[] _filters = new ExchangeFilter?[MaxFilters];
    private readonly bool[] _wantsResponse = new bool[MaxFilters];
    private ResponseEdit? _edit;
    private OutBuffer? _keptHead;
    private bool _headKept;
    private int _filterCount, _requestFilters, _responseFilters;

    /// <summary>Puts a filter behind those that are there; before the request goes to its upstream.</summary>
    public void AddFilter(ExchangeFilter filter)
    {
        _filters[_filterCount++] = filter;
        if (filter.SeesRequestContent) _requestFilters++;
    }

    /// <summary>Serves the request by a response that is stored, in the place of an upstream's.</summary>
    /// <param name="stored">Holds it.</param>
    /// <param name="rewrite">The route's changes.</param>
    private async ValueTask<bool> ServeAsync(UpstreamStream stored, ResponseRewrite rewrite)
    {
        _upstream = stored;
        if (_request.Body == BodyKind.None) _bodyState = BodyState.Done;
        if (!_headConsumed) ConsumeHead();
        await stored.ReadHeadAsync(_response, _edge.Loop.NowMs);
        _response.SetFraming(_request.Method);
        return await RelayAsync(rewrite, upgrade: false);
    }

    /// <summary>The request's head outlives the reading of its content.</summary>
    private void KeepHead()
    {
        _keptHead ??= NewBuffer();
        if (_headKept || !_keptHead.EnsureRoom(_headLength)) return;
        _keptHead.Append(_client.Received[.._headLength]);
        _headKept = true;
    }

    private LocalResponse? FilterRequest(ReadOnlySpan<byte> piece, bool last)
    {
        for (int i = 0; i < _filterCount; i++)
        {
            if (_filters[i]!.SeesRequestContent && _filters[i]!.OnRequestContent(piece, last) is { } refusal) return refusal;
        }

        return null;
    }

    /// <summary>Shows the filters the response's head.</summary>
    /// <returns>What they change; null when there are none.</returns>
    private ResponseEdit? FilterHead()
    {
        _responseFilters = 0;
        if (_filterCount == 0) return null;
        ResponseEdit edit = _edit ??= new ResponseEdit();
        edit.Reset();
        for (int i = 0; i < _filterCount; i++)
        {
            _wantsResponse[i] = _filters[i]!.OnResponseHead(this, _response, _upstream!.Received, edit);
            if (_wantsResponse[i]) _responseFilters++;
        }

        return edit;
    }

    private ReadOnlyMemory<byte> FilterResponse(ReadOnlyMemory<byte> piece, bool last)
    {
        for (int i = 0; i < _filterCount; i++)
        {
            if (_wantsResponse[i] && (last || !piece.IsEmpty)) piece = _filters[i]!.OnResponseContent(piece, last);
        }

        return piece;
    }

    /// <summary>What the filters held back; the first ones' goes through the later ones.</summary>
    private ReadOnlyMemory<byte> FilterPause()
    {
        ReadOnlyMemory<byte> piece = default;
        for (int i = 0; i < _filterCount; i++)
        {
            if (!_wantsResponse[i]) continue;
            if (piece.IsEmpty) piece = _filters[i]!.OnResponsePause();
            else piece = _filters[i]!.OnResponseContent(piece, last: false);
        }

        return piece;
    }

    private void EndFilters(bool whole)
    {
        for (int i = 0; i < _filterCount; i++)
        {
            _filters[i]!.OnEnd(whole);
            _filters[i] = null;
        }

        _filterCount = _requestFilters = _responseFilters = 0;
    }
}
