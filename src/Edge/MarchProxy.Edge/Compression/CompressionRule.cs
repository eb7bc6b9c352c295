using System.Text;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Compression;

/// <summary>What is done about one response.</summary>
internal enum CompressionChoice : byte
{
    /// <summary>Nothing: it is not for compression.</summary>
    None,

    /// <summary>It could have been compressed, and is not since the client does not take it: caches must know (Vary).</summary>
    VaryOnly,

    /// <summary>It is compressed.</summary>
    Compress,
}

/// <summary>A route's compression, compiled.</summary>
internal sealed class CompressionRule
{
    private readonly ContentCoding[] _offered;
    private readonly TypePatterns _types;
    private readonly int _minBytes;

    /// <exception cref="EdgeConfigurationException">A coding needs a library that is not there.</exception>
    public CompressionRule(Model.Resources.Compression compression, string route)
    {
        _offered = [.. compression.Encodings.Select(e => AcceptEncoding.Find(Encoding.ASCII.GetBytes(e)))];
        if (_offered.Contains(ContentCoding.Zstd) && !Zstd.IsAvailable) throw new EdgeConfigurationException($"{route} compression.encodings: zstd needs libzstd.so.1, which this host has not; install libzstd1, or take zstd out");
        _types = new TypePatterns(compression.Types);
        _minBytes = compression.MinBytes;
        Level = compression.Level;
    }

    public int Level { get; }

    /// <summary>Decides by both heads (RFC 9110 sections 8.4 and 12.5.3; RFC 9111 section 5.2.2.6).</summary>
    public CompressionChoice Decide(RequestHead request, ReadOnlySpan<byte> requestBuffer, ResponseHead response, ReadOnlySpan<byte> buffer, out ContentCoding coding)
    {
        coding = ContentCoding.Identity;
        if (response.Status is < 200 or 204 or 205 or 206 or 304 || response.Has(KnownHeader.ContentEncoding) || response.Has(KnownHeader.ContentRange)) return CompressionChoice.None;
        if (!response.TryGet(KnownHeader.ContentType, out ByteRange type) || !_types.Take(type.In(buffer))) return CompressionChoice.None;
        if (response.ContentLength >= 0 && response.ContentLength < _minBytes) return CompressionChoice.None;
        if (Freshness.Read(response, buffer).NoTransform || Freshness.Read(request, requestBuffer).NoTransform || HasDigest(response, buffer)) return CompressionChoice.None;
        coding = AcceptEncoding.Choose(request, requestBuffer, _offered);
        return coding == ContentCoding.Identity || response.Body == BodyKind.None ? CompressionChoice.VaryOnly : CompressionChoice.Compress;
    }

    /// <summary>Fields that are wrong for other bytes than those sent (RFC 9530, RFC 3230, RFC 1864).</summary>
    private static bool HasDigest(ResponseHead response, ReadOnlySpan<byte> buffer)
    {
        foreach (ref readonly HeaderField field in response.Fields)
        {
            if (field.Id != KnownHeader.Unknown) continue;
            ReadOnlySpan<byte> name = field.Name.In(buffer);
            if (name.Length is < 6 or > 14) continue;
            if (Ascii.EqualsIgnoreCase(name, "content-digest"u8) || Ascii.EqualsIgnoreCase(name, "repr-digest"u8) || Ascii.EqualsIgnoreCase(name, "digest"u8) || Ascii.EqualsIgnoreCase(name, "content-md5"u8)) return true;
        }

        return false;
    }
}
