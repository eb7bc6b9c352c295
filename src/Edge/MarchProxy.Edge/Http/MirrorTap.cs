using System.Buffers;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http;

/// <summary>Copies a request's content for the request's copy, up to a bound. An exchange keeps one and uses it again.</summary>
internal sealed class MirrorTap : ExchangeFilter
{
    private readonly ArrayBufferWriter<byte> _content = new();
    private HttpExchange _exchange = null!;
    private int _most;

    /// <inheritdoc/>
    public override bool SeesRequestContent => true;

    public MirrorTap Use(HttpExchange exchange, int most)
    {
        (_exchange, _most) = (exchange, most);
        _content.ResetWrittenCount();
        return this;
    }

    /// <inheritdoc/>
    public override LocalResponse? OnRequestContent(ReadOnlySpan<byte> piece, bool last)
    {
        if (_most < 0) return null;
        if (_content.WrittenCount + piece.Length > _most)
        {
            _most = -1;
            _exchange.DropMirror();
            return null;
        }

        _content.Write(piece);
        if (last)
        {
            _most = -1;
            _exchange.SendMirror(_content.WrittenSpan.ToArray());
        }

        return null;
    }
}
