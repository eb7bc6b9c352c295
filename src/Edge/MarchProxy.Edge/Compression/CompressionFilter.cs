using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Loops;

namespace MarchProxy.Edge.Compression;

/// <summary>Compresses a response on its way to the client. An exchange keeps one and uses it again.</summary>
internal sealed class CompressionFilter(EdgeLoop edge) : ExchangeFilter
{
    /// <summary>Pieces that one call of an encoder gets: a level of 4 takes about half a millisecond for one.</summary>
    private const int StepBytes = 32 << 10;

    private CompressionRule _rule = null!;
    private ContentEncoder? _encoder;

    /// <summary>Takes the route's rule.</summary>
    public CompressionFilter Use(CompressionRule rule)
    {
        _rule = rule;
        return this;
    }

    /// <inheritdoc/>
    public override bool OnResponseHead(HttpExchange exchange, ResponseHead response, ReadOnlySpan<byte> bytes, ResponseEdit edit)
    {
        // Another status than the received one is 304, 206 or 416: there is nothing to compress.
        if (edit.Status != 0)
        {
            if (edit.Status == 304 && _rule.Decide(exchange.Request, exchange.HeadBytes, response, bytes, out _) != CompressionChoice.None) edit.Add("Vary"u8, "Accept-Encoding"u8);
            return false;
        }

        CompressionChoice choice = _rule.Decide(exchange.Request, exchange.HeadBytes, response, bytes, out ContentCoding coding);
        if (choice == CompressionChoice.None) return false;
        if (!VariesByCoding(response, bytes)) edit.Add("Vary"u8, "Accept-Encoding"u8);
        if (choice != CompressionChoice.Compress) return false;
        if (!edge.TryRentEncoder())
        {
            edge.Metrics.Ingress.CompressionSkipped.Inc();
            return false;
        }

        _encoder = ContentEncoder.Make(coding, _rule.Level);
        edge.Metrics.Ingress.Compressed(coding);
        edit.Add("Content-Encoding"u8, AcceptEncoding.NameOf(coding));
        edit.SetUnknownLength();

        // Ranges are of the bytes sent, and those are made anew each time.
        if (response.Has(KnownHeader.AcceptRanges)) edit.Set(KnownHeader.AcceptRanges, "none"u8);
        if (response.TryGet(KnownHeader.ETag, out ByteRange tag) && tag.In(bytes) is var text && !text.StartsWith("W/"u8))
        {
            // RFC 9110 section 8.8.1: a strong tag means the same bytes.
            Span<byte> weak = stackalloc byte[512];
            edit.Dropped |= KnownHeaders.Bit(KnownHeader.ETag);
            if (text.Length + 2 <= weak.Length)
            {
                "W/"u8.CopyTo(weak);
                text.CopyTo(weak[2..]);
                edit.Add("ETag"u8, weak[..(text.Length + 2)]);
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> OnResponseContent(ReadOnlyMemory<byte> piece, bool last)
    {
        _encoder!.Output.ResetWrittenCount();
        edge.Metrics.Ingress.CompressionIn.Add(piece.Length);
        for (ReadOnlySpan<byte> rest = piece.Span; !rest.IsEmpty; rest = rest[Math.Min(StepBytes, rest.Length)..]) _encoder.Write(rest[..Math.Min(StepBytes, rest.Length)]);
        if (last) _encoder.Finish();
        return Written();
    }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> OnResponsePause()
    {
        if (!_encoder!.HasUnflushed) return default;
        _encoder.Output.ResetWrittenCount();
        _encoder.Flush();
        return Written();
    }

    /// <inheritdoc/>
    public override void OnEnd(bool whole)
    {
        if (_encoder is null) return;
        _encoder.Dispose();
        _encoder = null;
        edge.ReturnEncoder();
    }

    private ReadOnlyMemory<byte> Written()
    {
        edge.Metrics.Ingress.CompressionOut.Add(_encoder!.Output.WrittenCount);
        return _encoder.Output.WrittenMemory;
    }

    private static bool VariesByCoding(ResponseHead response, ReadOnlySpan<byte> bytes)
    {
        foreach (ref readonly HeaderField field in response.Fields)
        {
            if (field.Id != KnownHeader.Vary) continue;
            var names = new ListMembers(field.Value.In(bytes));
            while (names.MoveNext())
            {
                if (names.Current.SequenceEqual("*"u8) || System.Text.Ascii.EqualsIgnoreCase(names.Current, "accept-encoding"u8)) return true;
            }
        }

        return false;
    }
}
