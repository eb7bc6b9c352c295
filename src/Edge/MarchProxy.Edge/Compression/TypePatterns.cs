using System.Text;

namespace MarchProxy.Edge.Compression;

/// <summary>Content types as configured: <c>text/*</c>, <c>application/*+json</c>; compared without parameters and without regard to case.</summary>
internal sealed class TypePatterns
{
    private readonly (byte[] Start, byte[]? End)[] _patterns;

    /// <param name="patterns">In lower case, each with one <c>*</c> at most.</param>
    public TypePatterns(IEnumerable<string> patterns) => _patterns =
    [
        .. patterns.Select(p => p.Split('*')).Select(p => (Encoding.ASCII.GetBytes(p[0]), p.Length > 1 ? Encoding.ASCII.GetBytes(p[1]) : null)),
    ];

    /// <summary>Whether a Content-Type field's value is one of them.</summary>
    public bool Take(ReadOnlySpan<byte> contentType)
    {
        int semicolon = contentType.IndexOf((byte)';');
        ReadOnlySpan<byte> type = (semicolon < 0 ? contentType : contentType[..semicolon]).Trim(" \t"u8);
        foreach ((byte[] start, byte[]? end) in _patterns)
        {
            bool fits = end is null
                ? type.Length == start.Length && Ascii.EqualsIgnoreCase(type, start)
                : type.Length >= start.Length + end.Length && Ascii.EqualsIgnoreCase(type[..start.Length], start) && Ascii.EqualsIgnoreCase(type[^end.Length..], end);
            if (fits) return true;
        }

        return false;
    }
}
