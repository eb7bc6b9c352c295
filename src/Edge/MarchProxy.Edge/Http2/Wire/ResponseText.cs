using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>Writes the fields of a response of HTTP/2 as a head of HTTP/1.1 (RFC 9113 section 8.3.2), so that the one parser judges it.</summary>
internal sealed class ResponseText : IFieldSink
{
    private static readonly ulong s_ofConnection = KnownHeaders.Set(
        KnownHeader.Connection, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.TransferEncoding, KnownHeader.Upgrade);

    private OutBuffer _target = null!;
    private byte[]? _webSocketKey;

    /// <summary>The response breaks HTTP/2's own rules.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>The head is larger than any that is taken.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>The status.</summary>
    public int Status { get; private set; }

    /// <summary>Content-Length, or negative.</summary>
    public long ContentLength { get; private set; }

    /// <summary>Begins a response.</summary>
    /// <param name="target">Where the head goes, behind what is there.</param>
    /// <param name="webSocketKey">Of an extended CONNECT: the key of the handshake that it stands for.</param>
    public ResponseText Begin(OutBuffer target, byte[]? webSocketKey)
    {
        _target = target;
        _webSocketKey = webSocketKey;
        IsMalformed = IsTooLarge = false;
        Status = 0;
        ContentLength = -1;
        return this;
    }

    /// <inheritdoc/>
    public void OnField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (IsMalformed || IsTooLarge) return;
        if (name.SequenceEqual(":status"u8))
        {
            IsMalformed = Status != 0 || value.Length != 3 || (Status = (int)FieldText.Number(value)) is < 100 or > 599;
            if (!IsMalformed) WriteLine(value);
            return;
        }

        KnownHeader id = name.IsEmpty ? KnownHeader.Unknown : KnownHeaders.Find(name);
        IsMalformed = Status == 0 || name.IsEmpty || !FieldText.IsName(name) || ControlBytes.IndexOf(value, 0) < value.Length
            || (id != KnownHeader.Unknown && (KnownHeaders.Bit(id) & s_ofConnection) != 0)
            || (id == KnownHeader.ContentLength && (ContentLength >= 0 || (ContentLength = FieldText.Number(value)) < 0));
        if (IsMalformed) return;
        Append(name);
        Append(": "u8);
        Append(value);
        Append("\r\n"u8);
    }

    /// <summary>Ends the head.</summary>
    /// <param name="ends">Whether nothing follows.</param>
    public void Finish(bool ends)
    {
        IsMalformed |= Status == 0 || (Status < 200 && ends) || Status == 101;
        if (IsMalformed || IsTooLarge) return;
        bool switched = _webSocketKey is not null && Status is >= 200 and < 300;
        if (!ends && !switched && ContentLength < 0 && Status is >= 200 and not (204 or 304)) Append("Transfer-Encoding: chunked\r\n"u8);
        Append("\r\n"u8);
    }

    private void WriteLine(ReadOnlySpan<byte> status)
    {
        if (_webSocketKey is null || Status is < 200 or > 299)
        {
            Append("HTTP/1.1 "u8);
            Append(status);
            Append(" \r\n"u8);
            return;
        }

        // RFC 8441 section 5 and RFC 6455 section 4.2.2: the proof that a client of HTTP/1.1 asked for.
        Span<byte> text = stackalloc byte[WebSocketProof.Length];
        WebSocketProof.Of(_webSocketKey, text);
        Append("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "u8);
        Append(text);
        Append("\r\n"u8);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_target.EnsureRoom(bytes.Length)) _target.Append(bytes);
        else IsTooLarge = true;
    }
}
