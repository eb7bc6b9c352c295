namespace MarchProxy.Edge.Caching;

/// <summary>Compares keys by their bytes, and looks them up by a span without a copy. The hash is seeded for each process: nobody outside can aim at it.</summary>
internal sealed class CacheKeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static CacheKeyComparer Instance { get; } = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        var hash = default(HashCode);
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}

/// <summary>
/// What a response is kept under: route, scheme, host with its port as it was asked for, and target. The route is part of it, so that no route answers with what another one's
/// backends said; the scheme too, since servers answer http with redirects to https; and the port, since servers write it into links, and whoever asks with one of his own must
/// not have it written into everybody's.
/// </summary>
internal static class CacheKey
{
    /// <summary>Bytes of the longest key; a longer target is not cached. As long as the longest request line.</summary>
    public const int MaxBytes = 8 << 10;

    private const byte Separator = 0;

    /// <summary>Writes a key.</summary>
    /// <returns>Its length; 0 when it is too long.</returns>
    public static int Write(Span<byte> key, ReadOnlySpan<byte> route, bool isSecure, ReadOnlySpan<byte> authority, ReadOnlySpan<byte> target)
    {
        if (target.IsEmpty) target = "/"u8;
        int length = route.Length + authority.Length + target.Length + 4;
        if (length > key.Length) return 0;
        route.CopyTo(key);
        int at = route.Length;
        key[at++] = Separator;
        key[at++] = isSecure ? (byte)'s' : (byte)'h';
        System.Text.Ascii.ToLower(authority, key[at..], out int written);
        if (written != authority.Length) return 0;
        at += written;
        key[at++] = Separator;
        target.CopyTo(key[at..]);
        return at + target.Length;
    }

    /// <summary>Whether a key is of a route (empty: any), a host with any port (empty: any) and a target: the whole one, or one that begins so.</summary>
    public static bool IsOf(ReadOnlySpan<byte> key, ReadOnlySpan<byte> route, ReadOnlySpan<byte> host, ReadOnlySpan<byte> target, bool prefix)
    {
        int first = key.IndexOf(Separator);
        if (!route.IsEmpty && !key[..first].SequenceEqual(route)) return false;
        ReadOnlySpan<byte> rest = key[(first + 2)..];
        int second = rest.IndexOf(Separator);
        ReadOnlySpan<byte> authority = rest[..second];
        if (!host.IsEmpty && !(authority.StartsWith(host) && (authority.Length == host.Length || authority[host.Length] == ':'))) return false;
        ReadOnlySpan<byte> asked = rest[(second + 1)..];
        return target.IsEmpty || (prefix ? asked.StartsWith(target) : asked.SequenceEqual(target));
    }
}
