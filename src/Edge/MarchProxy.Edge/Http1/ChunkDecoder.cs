using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MarchProxy.Edge.Http1;

/// <summary>
/// Follows the chunked coding of one message (RFC 9112 section 7.1) through any cuts of its bytes:
/// <code>
/// chunked-body   = *chunk last-chunk trailer-section CRLF
/// chunk          = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
/// chunk-ext      = *( ";" chunk-ext-name [ "=" chunk-ext-val ] )
/// trailer-section = *( field-line CRLF )
/// </code>
/// Stricter than the grammar where parsers are known to differ: no white space beside size and extensions. Payload is
/// stepped over by its length, never searched. A struct: copy it and the copies go separate ways.
/// </summary>
internal partial struct ChunkDecoder
{
    /// <summary>Extension bytes of one chunk. Nobody uses extensions but attackers; 256 fit a signature.</summary>
    public const int MaxChunkExtension = 256;

    /// <summary>Extension bytes of a message: 16 KiB, lest a stream of one-byte chunks carry megabytes of nothing.</summary>
    public const int MaxExtensions = 16 * 1024;

    /// <summary>Bytes of the trailer section with its final CRLF: 8 KiB, nginx's and Kestrel's room for a line.</summary>
    public const int MaxTrailer = 8 * 1024;

    private const int MaxSizeDigits = 16;

    /// <summary>Fields that frame, route, authorise or describe the message come too late in a trailer (RFC 9110 section 6.5.1).</summary>
    private static readonly ulong s_forbidden = KnownHeaders.Set(
        KnownHeader.Host, KnownHeader.ContentLength, KnownHeader.TransferEncoding, KnownHeader.Connection, KnownHeader.Upgrade,
        KnownHeader.Expect, KnownHeader.Te, KnownHeader.KeepAlive, KnownHeader.ProxyConnection, KnownHeader.ProxyAuthorization,
        KnownHeader.ProxyAuthenticate, KnownHeader.Trailer, KnownHeader.Via, KnownHeader.XForwardedFor, KnownHeader.XForwardedProto,
        KnownHeader.XForwardedHost, KnownHeader.XForwardedPort, KnownHeader.Forwarded, KnownHeader.Authorization,
        KnownHeader.WwwAuthenticate, KnownHeader.Cookie, KnownHeader.SetCookie, KnownHeader.ContentType, KnownHeader.ContentEncoding,
        KnownHeader.ContentRange, KnownHeader.CacheControl, KnownHeader.Pragma, KnownHeader.Range, KnownHeader.MaxForwards,
        KnownHeader.Location, KnownHeader.Age, KnownHeader.Vary);

    private Phase _phase;
    private int _digits;
    private int _chunkExtension;
    private int _extensions;
    private int _trailer;
    private int _nameLength;
    private long _remaining;
    private NameBytes _name;

    /// <summary>What is wrong, after <see cref="ChunkStatus.Error"/>.</summary>
    public HttpError Error { get; private set; }

    /// <summary>Payload bytes seen so far, without framing.</summary>
    public long PayloadBytes { get; private set; }

    /// <summary>Whether a known field may not stand in a trailer section.</summary>
    public static bool ForbidsTrailer(KnownHeader id) => (s_forbidden & KnownHeaders.Bit(id)) != 0;

    /// <summary>Bytes of the trailer section seen so far, with its final CRLF.</summary>
    public readonly int TrailerBytes => _trailer;

    /// <summary>
    /// Validates as much of <paramref name="input"/> as belongs to the message, for forwarding it unchanged. Bytes behind
    /// <paramref name="consumed"/> belong to the next message; on an error they must not be forwarded.
    /// </summary>
    public ChunkStatus Advance(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        ChunkStatus status;
        do
        {
            status = Step(input, ref consumed, out _);
        }
        while (status == ChunkStatus.Data);

        return status;
    }

    /// <summary>
    /// Finds the next run of payload. On <see cref="ChunkStatus.Data"/> the run ends where <paramref name="consumed"/> does;
    /// otherwise there is none.
    /// </summary>
    public ChunkStatus Decode(ReadOnlySpan<byte> input, out int consumed, out ByteRange data)
    {
        consumed = 0;
        return Step(input, ref consumed, out data);
    }

    private ChunkStatus Step(ReadOnlySpan<byte> input, ref int at, out ByteRange data)
    {
        data = default;
        while (at < input.Length)
        {
            switch (_phase)
            {
                case Phase.Data:
                    int take = (int)Math.Min(_remaining, input.Length - at);
                    data = new ByteRange(at, take);
                    at += take;
                    _remaining -= take;
                    PayloadBytes += take;
                    if (_remaining == 0) _phase = Phase.DataCr;
                    return ChunkStatus.Data;
                case Phase.Done:
                    return ChunkStatus.End;
                case Phase.Failed:
                    return ChunkStatus.Error;
            }

            byte b = input[at];
            HttpError error = _phase >= Phase.TrailerStart ? NextInTrailer(b) : NextInFraming(b);
            if (error != HttpError.None)
            {
                Error = error;
                _phase = Phase.Failed;
                return ChunkStatus.Error;
            }

            at++;
        }

        return _phase switch
        {
            Phase.Done => ChunkStatus.End,
            Phase.Failed => ChunkStatus.Error,
            _ => ChunkStatus.NeedMore,
        };
    }

    private HttpError NextInFraming(byte b)
    {
        switch (_phase)
        {
            case Phase.Size:
                return NextInSize(b);
            case Phase.SizeLf:
                if (b != '\n') return HttpError.ChunkSize;
                _phase = _remaining == 0 ? Phase.TrailerStart : Phase.Data;
                return HttpError.None;
            case Phase.DataCr:
                if (b != '\r') return HttpError.ChunkEnd;
                _phase = Phase.DataLf;
                return HttpError.None;
            case Phase.DataLf:
                if (b != '\n') return HttpError.ChunkEnd;
                _phase = Phase.Size;
                _digits = 0;
                _chunkExtension = 0;
                return HttpError.None;
            default:
                return NextInExtension(b);
        }
    }

    // chunk-size = 1*HEXDIG
    private HttpError NextInSize(byte b)
    {
        if (char.IsAsciiHexDigit((char)b))
        {
            if (++_digits > MaxSizeDigits || _remaining > long.MaxValue >> 4) return HttpError.ChunkSize;
            int digit = b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10;
            _remaining = (_remaining << 4) | (long)digit;
            return HttpError.None;
        }

        if (_digits == 0) return HttpError.ChunkSize;
        if (b == '\r') _phase = Phase.SizeLf;
        else if (b == ';') return NextInExtension(b);
        else return HttpError.ChunkSize;
        return HttpError.None;
    }

    // chunk-ext-name = token, chunk-ext-val = token / quoted-string
    private HttpError NextInExtension(byte b)
    {
        bool between = _phase is Phase.Size or Phase.ExtensionName or Phase.ExtensionValue or Phase.QuotedEnd;
        if (b == '\r' && between)
        {
            _phase = Phase.SizeLf;
            return HttpError.None;
        }

        if (++_chunkExtension > MaxChunkExtension || ++_extensions > MaxExtensions) return HttpError.ChunkExtensionTooLong;
        if (b == ';' && between)
        {
            _phase = Phase.ExtensionStart;
            return HttpError.None;
        }

        Phase next = (_phase, b) switch
        {
            (Phase.ExtensionName, (byte)'=') => Phase.ValueStart,
            (Phase.ValueStart, (byte)'"') => Phase.Quoted,
            (Phase.Quoted, (byte)'"') => Phase.QuotedEnd,
            (Phase.Quoted, (byte)'\\') => Phase.Escaped,
            (Phase.Quoted or Phase.Escaped, _) => ControlBytes.IsControl(b) ? Phase.Failed : Phase.Quoted,
            (Phase.ExtensionStart or Phase.ExtensionName, _) when AsciiSet.Token.Contains(b) => Phase.ExtensionName,
            (Phase.ValueStart or Phase.ExtensionValue, _) when AsciiSet.Token.Contains(b) => Phase.ExtensionValue,
            _ => Phase.Failed,
        };
        if (next == Phase.Failed) return HttpError.ChunkExtension;
        _phase = next;
        return HttpError.None;
    }

    private HttpError NextInTrailer(byte b)
    {
        if (++_trailer > MaxTrailer) return HttpError.TrailerTooLarge;
        switch (_phase)
        {
            case Phase.TrailerStart when b == '\r':
                _phase = Phase.EndLf;
                return HttpError.None;
            case Phase.TrailerStart:
                _phase = Phase.TrailerName;
                _nameLength = 0;
                return NextInName(b);
            case Phase.TrailerName:
                return NextInName(b);
            case Phase.TrailerValue when b == '\r':
                _phase = Phase.TrailerLf;
                return HttpError.None;
            case Phase.TrailerValue:
                return ControlBytes.IsControl(b) ? HttpError.Trailer : HttpError.None;
            default:
                if (b != '\n') return HttpError.Trailer;
                _phase = _phase == Phase.EndLf ? Phase.Done : Phase.TrailerStart;
                return HttpError.None;
        }
    }

    private HttpError NextInName(byte b)
    {
        if (AsciiSet.Token.Contains(b))
        {
            // No forbidden name is longer than what is kept of a name.
            if (_nameLength < NameBytes.Length) _name[_nameLength] = b;
            _nameLength++;
            return HttpError.None;
        }

        if (b != ':' || _nameLength == 0) return HttpError.Trailer;
        _phase = Phase.TrailerValue;
        if (_nameLength > NameBytes.Length) return HttpError.None;
        ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<NameBytes, byte>(ref _name), _nameLength);
        KnownHeader id = KnownHeaders.Find(name);
        return id != KnownHeader.Unknown && ForbidsTrailer(id) ? HttpError.ForbiddenTrailer : HttpError.None;
    }
}
