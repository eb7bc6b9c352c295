using System.Text;

namespace MarchProxy.Edge.Http1;

internal abstract partial class MessageHead
{
    /// <summary>Options of all Connection fields together; a sender of more is up to no good.</summary>
    private const int MaxConnectionOptions = 32;

    private int _connectionOptions;
    private int _otherOptions;
    private int _chunkedCodings;
    private int _otherCodings;
    private bool _chunkedLast;
    private bool _close;
    private bool _keepAlive;
    private bool _upgrade;

    /// <summary>
    /// One field line, <paramref name="start"/> up to the CR at <paramref name="end"/>, already free of control characters:
    /// <c>field-line = field-name ":" OWS field-value OWS</c> (RFC 9112 section 5).
    /// </summary>
    internal HttpError AddLine(ReadOnlySpan<byte> buffer, int start, int end, int maxFields)
    {
        int colon = AsciiSet.Token.IndexOfOther(buffer, start);
        if (colon == start || buffer[colon] != ':') return NameError(buffer[start..end], colon - start);
        if (Count == maxFields) return HttpError.TooManyHeaders;

        int valueStart = colon + 1;
        int valueEnd = end;
        while (valueStart < valueEnd && IsBlank(buffer[valueStart])) valueStart++;
        while (valueStart < valueEnd && IsBlank(buffer[valueEnd - 1])) valueEnd--;

        KnownHeader id = KnownHeaders.Find(buffer[start..colon]);
        ref HeaderField field = ref Append();
        field.NameStart = start;
        field.NameLength = colon - start;
        field.ValueStart = valueStart;
        field.ValueLength = valueEnd - valueStart;
        field.Id = id;
        field.Nominated = false;

        bool first = !Has(id);
        Present |= KnownHeaders.Bit(id);
        return id is not KnownHeader.Unknown and <= KnownHeader.Te ? Apply(id, field.Value, buffer, first) : HttpError.None;
    }

    /// <summary>Marks what the Connection field names and settles persistence; runs once, when the head is whole.</summary>
    protected HttpError FinishFields(ReadOnlySpan<byte> buffer)
    {
        KeepAlive = !_close && (MinorVersion == 1 || _keepAlive);
        UpgradeWanted = _upgrade && MinorVersion == 1 && Upgrade.Length > 0;
        if (Has(KnownHeader.TransferEncoding))
        {
            if (ContentLength >= 0) return HttpError.LengthAndTransferEncoding;
            if (MinorVersion == 0) return HttpError.TransferEncodingInHttp10;
            if (_chunkedCodings != 1 || !_chunkedLast) return HttpError.TransferEncoding;
            if (_otherCodings > 0) return HttpError.TransferCoding;
            Body = BodyKind.Chunked;
        }
        else if (ContentLength > 0)
        {
            Body = BodyKind.Length;
        }

        return _otherOptions > 0 ? MarkNominated(buffer) : HttpError.None;
    }

    /// <summary>What a request's Host or Expect field means; responses have neither.</summary>
    protected abstract HttpError ApplyRequestField(KnownHeader id, ByteRange value, ReadOnlySpan<byte> buffer, bool first);

    private static bool IsBlank(byte b) => b is (byte)' ' or (byte)'\t';

    private static HttpError NameError(ReadOnlySpan<byte> line, int nameLength)
    {
        if (IsBlank(line[0])) return HttpError.ObsFold;
        ReadOnlySpan<byte> rest = line[nameLength..];
        ReadOnlySpan<byte> afterBlank = rest.TrimStart(" \t"u8);
        return nameLength > 0 && afterBlank.Length < rest.Length && afterBlank.StartsWith((byte)':')
            ? HttpError.SpaceBeforeColon
            : HttpError.HeaderName;
    }

    private HttpError Apply(KnownHeader id, ByteRange value, ReadOnlySpan<byte> buffer, bool first)
    {
        switch (id)
        {
            case KnownHeader.ContentLength:
                return first ? ApplyContentLength(value.In(buffer)) : HttpError.DuplicateContentLength;
            case KnownHeader.TransferEncoding:
                return ApplyTransferEncoding(value.In(buffer));
            case KnownHeader.Connection:
                return ApplyConnection(value.In(buffer));
            case KnownHeader.Upgrade:
                if (first) Upgrade = value;
                return HttpError.None;
            case KnownHeader.Te:
                ApplyTe(value.In(buffer));
                return HttpError.None;
            default:
                return ApplyRequestField(id, value, buffer, first);
        }
    }

    // RFC 9110 section 8.6: Content-Length = 1*DIGIT
    private HttpError ApplyContentLength(ReadOnlySpan<byte> digits)
    {
        if (digits.Length is 0 or > 19) return HttpError.ContentLength;
        ulong length = 0;
        foreach (byte digit in digits)
        {
            uint value = (uint)(digit - '0');
            if (value > 9) return HttpError.ContentLength;
            length = length * 10 + value;
        }

        if (length > long.MaxValue) return HttpError.ContentLength;
        ContentLength = (long)length;
        return HttpError.None;
    }

    // RFC 9112 section 6.1: chunked is applied once and last; parameters are of no use to a coding that we know.
    private HttpError ApplyTransferEncoding(ReadOnlySpan<byte> value)
    {
        var codings = new ListMembers(value);
        while (codings.MoveNext())
        {
            _chunkedLast = Ascii.EqualsIgnoreCase(codings.Current, "chunked"u8);
            if (_chunkedLast) _chunkedCodings++;
            else if (AsciiSet.Token.IndexOfOther(codings.Current, 0) == codings.Current.Length) _otherCodings++;
            else return HttpError.TransferEncoding;
        }

        return HttpError.None;
    }

    // RFC 9110 section 7.6.1: Connection = #token
    private HttpError ApplyConnection(ReadOnlySpan<byte> value)
    {
        var options = new ListMembers(value);
        while (options.MoveNext())
        {
            ReadOnlySpan<byte> option = options.Current;
            if (++_connectionOptions > MaxConnectionOptions) return HttpError.ConnectionOption;
            if (Ascii.EqualsIgnoreCase(option, "keep-alive"u8)) _keepAlive = true;
            else if (Ascii.EqualsIgnoreCase(option, "close"u8)) _close = true;
            else if (Ascii.EqualsIgnoreCase(option, "upgrade"u8)) _upgrade = true;
            else if (AsciiSet.Token.IndexOfOther(option, 0) < option.Length) return HttpError.ConnectionOption;
            else _otherOptions++;
        }

        return HttpError.None;
    }

    private void ApplyTe(ReadOnlySpan<byte> value)
    {
        var codings = new ListMembers(value);
        while (codings.MoveNext()) AcceptsTrailers |= Ascii.EqualsIgnoreCase(codings.Current, "trailers"u8);
    }

    private HttpError MarkNominated(ReadOnlySpan<byte> buffer)
    {
        Span<HeaderField> fields = _fields.AsSpan(0, Count);
        foreach (ref readonly HeaderField connection in Fields)
        {
            if (connection.Id != KnownHeader.Connection) continue;
            var options = new ListMembers(connection.Value.In(buffer));
            while (options.MoveNext())
            {
                if (KnownHeaders.Find(options.Current) is KnownHeader.Host or KnownHeader.ContentLength or KnownHeader.TransferEncoding)
                {
                    return HttpError.ConnectionOption;
                }

                foreach (ref HeaderField field in fields)
                {
                    // Upgrade goes or stays by what the proxy decides about it.
                    if (field.Id == KnownHeader.Upgrade) continue;
                    if (!Ascii.EqualsIgnoreCase(field.Name.In(buffer), options.Current)) continue;
                    field.Nominated = true;
                    HasNominated = true;
                }
            }
        }

        return HttpError.None;
    }

    private void ResetSemantics()
    {
        _connectionOptions = 0;
        _otherOptions = 0;
        _chunkedCodings = 0;
        _otherCodings = 0;
        _chunkedLast = false;
        _close = false;
        _keepAlive = false;
        _upgrade = false;
    }
}
