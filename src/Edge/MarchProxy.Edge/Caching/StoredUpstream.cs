using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Upstream;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Caching;

/// <summary>A response that is kept, in the place of an upstream's. An exchange keeps one and uses it again.</summary>
internal sealed class StoredUpstream : UpstreamStream
{
    private CachedResponse? _response;
    private bool _headUsed;
    private int _piece;
    private long _skip, _left;

    /// <inheritdoc/>
    public override Endpoint Remote => default;

    /// <inheritdoc/>
    public override int MajorVersion => 1;

    /// <inheritdoc/>
    public override bool IsClosed => _response is null;

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> Received => _headUsed || _response is null ? default : _response.Head;

    /// <inheritdoc/>
    public override bool EndedWithHead => false;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Trailers => default;

    /// <inheritdoc/>
    public override IByteStream Bytes => throw new NotSupportedException("A response that is kept leads nowhere.");

    /// <summary>Takes a response.</summary>
    public StoredUpstream Use(CachedResponse response)
    {
        _response = response;
        _headUsed = false;
        _piece = 0;
        (_skip, _left) = (0, response.Length);
        return this;
    }

    /// <summary>Only a part of the content is to be read.</summary>
    public void Limit(long start, long count) => (_skip, _left) = (start, count);

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> TakeEarly() => default;

    /// <inheritdoc/>
    public override ValueTask<int> SendHeadAsync(OutBuffer head, ContentFraming content, long stallMs) => new(-Errno.EPIPE);

    /// <inheritdoc/>
    public override ValueTask<int> SendContentAsync(ReadOnlyMemory<byte> piece, bool last, ReadOnlyMemory<byte> trailers, long stallMs) => new(-Errno.EPIPE);

    /// <inheritdoc/>
    public override ValueTask<ResponseOutcome> ReadHeadAsync(ResponseHead head, long deadline)
    {
        head.Reset();
        return new(HeadParser.ParseResponse(_response!.Head, head, HeadLimits.Default, out _) == ParseStatus.Ok ? ResponseOutcome.Head : ResponseOutcome.Malformed);
    }

    /// <inheritdoc/>
    public override void ConsumeHead() => _headUsed = true;

    /// <inheritdoc/>
    public override void BeginContent(ResponseHead response, bool raw)
    {
        while (_piece < _response!.Body.Length && _skip >= _response.Body[_piece].Length) _skip -= _response.Body[_piece++].Length;
    }

    /// <inheritdoc/>
    public override ContentStatus TryReadContent(out ReadOnlyMemory<byte> piece)
    {
        piece = default;
        if (_left == 0) return ContentStatus.Last;
        byte[] bytes = _response!.Body[_piece++];
        int count = (int)Math.Min(_left, bytes.Length - _skip);
        piece = bytes.AsMemory((int)_skip, count);
        _skip = 0;
        _left -= count;
        return _left == 0 ? ContentStatus.Last : ContentStatus.Data;
    }

    /// <inheritdoc/>
    public override void ConsumeContent()
    {
    }

    /// <inheritdoc/>
    public override ValueTask<int> ContentReadableAsync(long stallMs) => default;

    /// <inheritdoc/>
    public override void Release(bool reusable) => _response = null;

    /// <inheritdoc/>
    public override void Close() => _response = null;
}
