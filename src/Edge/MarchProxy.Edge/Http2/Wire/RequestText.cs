using System.Text;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Http2.Wire;

/// <summary>
/// Writes the fields of a request of HTTP/2 as a head of HTTP/1.1 (RFC 9113 section 8.3.1), so that the one parser judges it. What that parser could not see
/// any more is judged here: names and values that would not be one line, pseudo-fields, fields of a connection that HTTP/2 has not. One for each
/// connection.
/// </summary>
internal sealed class RequestText : IFieldSink
{
    private static readonly ulong s_ofConnection = KnownHeaders.Set(
        KnownHeader.Connection, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.TransferEncoding, KnownHeader.Upgrade);

    private readonly OutBuffer _pseudo = new(new byte[512], 36 << 10);
    private readonly OutBuffer _cookies = new(new byte[64], 36 << 10);
    private OutBuffer _target = null!;
    private ByteRange _method, _scheme, _authority, _path, _protocol;
    private byte _pseudoSeen;
    private bool _absolute, _lineWritten, _hostSeen;

    /// <summary>The request breaks HTTP/2's own rules (section 8.1.1).</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>The head is larger than any that is taken: what was written of it is not whole.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>Content-Length, or negative.</summary>
    public long ContentLength { get; private set; }

    /// <summary>Whether the request opens a WebSocket (RFC 8441).</summary>
    public bool IsWebSocket { get; private set; }

    /// <summary>The key that was made for a WebSocket.</summary>
    public byte[] WebSocketKey { get; } = new byte[WebSocketProof.KeyLength];

    /// <summary>Begins a request.</summary>
    /// <param name="target">Where the head goes.</param>
    /// <param name="absolute">Whether a forward proxy is asked, whose requests name scheme and host.</param>
    public RequestText Begin(OutBuffer target, bool absolute)
    {
        _target = target;
        _absolute = absolute;
        _pseudo.Clear();
        _cookies.Clear();
        _method = _scheme = _authority = _path = _protocol = default;
        _pseudoSeen = 0;
        _lineWritten = _hostSeen = IsMalformed = IsTooLarge = IsWebSocket = false;
        ContentLength = -1;
        return this;
    }

    /// <inheritdoc/>
    public void OnField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (IsMalformed || IsTooLarge) return;
        if (ControlBytes.IndexOf(value, 0) < value.Length || name.IsEmpty)
        {
            IsMalformed = true;
            return;
        }

        if (name[0] == ':')
        {
            IsMalformed = _lineWritten || !Pseudo(name[1..], value);
            return;
        }

        if (!FieldText.IsName(name) || FieldText.HasBlankEnds(value))
        {
            IsMalformed = true;
            return;
        }

        if (!_lineWritten) WriteLine();
        if (!IsMalformed) Field(name, value);
    }

    /// <summary>Ends the head.</summary>
    /// <param name="ends">Whether the request has no content.</param>
    public void Finish(bool ends)
    {
        if (IsMalformed || IsTooLarge) return;
        if (!_lineWritten) WriteLine();
        if (_cookies.Length > 0) Line("cookie"u8, _cookies.Written);
        if (IsMalformed || IsTooLarge) return;
        ReadOnlySpan<byte> method = _method.In(_pseudo.Written);
        bool connect = method.SequenceEqual("CONNECT"u8);
        if (ends)
        {
            IsMalformed = ContentLength > 0;
            if (ContentLength < 0 && (method.SequenceEqual("POST"u8) || method.SequenceEqual("PUT"u8) || method.SequenceEqual("PATCH"u8))) Append("Content-Length: 0\r\n"u8);
        }
        else if (ContentLength < 0 && !connect)
        {
            Append("Transfer-Encoding: chunked\r\n"u8);
        }

        Append("\r\n"u8);
    }

    private bool Pseudo(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (value.Contains((byte)' ') || !_pseudo.EnsureRoom(value.Length)) return false;
        var range = new ByteRange(_pseudo.Length, value.Length);
        _pseudo.Append(value);
        int bit;
        if (name.SequenceEqual("method"u8)) (_method, bit) = (range, 1);
        else if (name.SequenceEqual("scheme"u8)) (_scheme, bit) = (range, 2);
        else if (name.SequenceEqual("authority"u8)) (_authority, bit) = (range, 4);
        else if (name.SequenceEqual("path"u8)) (_path, bit) = (range, 8);
        else if (name.SequenceEqual("protocol"u8)) (_protocol, bit) = (range, 16);
        else return false;
        bool first = (_pseudoSeen & bit) == 0;
        _pseudoSeen |= (byte)bit;
        return first;
    }

    private void WriteLine()
    {
        _lineWritten = true;
        ReadOnlySpan<byte> bytes = _pseudo.Written, method = _method.In(bytes), authority = _authority.In(bytes), path = _path.In(bytes), scheme = _scheme.In(bytes);
        bool connect = method.SequenceEqual("CONNECT"u8);
        IsWebSocket = !_protocol.IsEmpty;

        // RFC 8441 section 4; other protocols than WebSocket have no translation.
        if (method.IsEmpty || (IsWebSocket && (!connect || _absolute || authority.IsEmpty || !_protocol.In(bytes).SequenceEqual("websocket"u8))))
        {
            IsMalformed = true;
            return;
        }

        if (connect && !IsWebSocket)
        {
            // RFC 9113 section 8.5
            IsMalformed = authority.IsEmpty || !path.IsEmpty || !scheme.IsEmpty;
            Append("CONNECT "u8);
            Append(authority);
        }
        else
        {
            IsMalformed = scheme.IsEmpty || path.IsEmpty || (path[0] != '/' && !(path.SequenceEqual("*"u8) && method.SequenceEqual("OPTIONS"u8)));
            Append(IsWebSocket ? "GET"u8 : method);
            Append(" "u8);
            if (_absolute && !authority.IsEmpty && !path.SequenceEqual("*"u8))
            {
                Append(scheme);
                Append("://"u8);
                Append(authority);
            }

            Append(path);
        }

        Append(" HTTP/1.1\r\n"u8);
        if (!authority.IsEmpty) Line("Host"u8, authority);
        if (!IsWebSocket) return;

        // RFC 8441 section 5: the key has no meaning here; an upstream of HTTP/1.1 wants one.
        WebSocketProof.MakeKey(WebSocketKey);
        Append("Connection: Upgrade\r\nUpgrade: websocket\r\n"u8);
        Line("Sec-WebSocket-Key"u8, WebSocketKey);
    }

    private void Field(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        KnownHeader id = KnownHeaders.Find(name);
        if (id == KnownHeader.Unknown)
        {
            if (!IsWebSocket || !name.SequenceEqual("sec-websocket-key"u8)) Line(name, value);
            return;
        }

        if ((KnownHeaders.Bit(id) & s_ofConnection) != 0)
        {
            IsMalformed = true;
            return;
        }

        switch (id)
        {
            case KnownHeader.Te:
                // RFC 9113 section 8.2.2
                IsMalformed = !Ascii.EqualsIgnoreCase(value, "trailers"u8);
                break;
            case KnownHeader.Host:
                // One name: that of :authority, or this one when there is none.
                IsMalformed = _hostSeen || (!_authority.IsEmpty && !Ascii.EqualsIgnoreCase(value, _authority.In(_pseudo.Written)));
                _hostSeen = true;
                if (!_authority.IsEmpty) return;
                break;
            case KnownHeader.ContentLength:
                IsMalformed = ContentLength >= 0 || (ContentLength = FieldText.Number(value)) < 0;
                break;
            case KnownHeader.Cookie:
                // RFC 9113 section 8.2.3: crumbs are one field again.
                if (!_cookies.EnsureRoom(value.Length + 2)) IsTooLarge = true;
                if (IsTooLarge) return;
                if (_cookies.Length > 0) _cookies.Append("; "u8);
                _cookies.Append(value);
                return;
        }

        Line(name, value);
    }

    private void Line(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!_target.EnsureRoom(name.Length + value.Length + 4))
        {
            IsTooLarge = true;
            return;
        }

        _target.Append(name);
        _target.Append(": "u8);
        _target.Append(value);
        _target.Append("\r\n"u8);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_target.EnsureRoom(bytes.Length)) _target.Append(bytes);
        else IsTooLarge = true;
    }
}
