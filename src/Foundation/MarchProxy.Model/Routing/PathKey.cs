using System.Diagnostics.CodeAnalysis;

namespace MarchProxy.Model.Routing;

/// <summary>A path or a prefix in the index.</summary>
internal readonly struct PathKey(byte[] path, bool isPrefix) : IEquatable<PathKey>
{
    public bool IsPrefix => isPrefix;

    public int Length => path.Length;

    public ReadOnlySpan<byte> Path => path;

    public bool Equals(PathKey other) => isPrefix == other.IsPrefix && Path.SequenceEqual(other.Path);

    public override bool Equals([NotNullWhen(true)] object? obj) => obj is PathKey other && Equals(other);

    public override int GetHashCode() => new PathProbe(path, isPrefix).Hash();
}

/// <summary>A piece of a request's path, asked of the index without a copy.</summary>
internal readonly ref struct PathProbe(ReadOnlySpan<byte> path, bool isPrefix)
{
    public readonly ReadOnlySpan<byte> Path = path;
    public readonly bool IsPrefix = isPrefix;

    public int Hash()
    {
        var hash = default(HashCode);
        hash.AddBytes(Path);
        hash.Add(IsPrefix);
        return hash.ToHashCode();
    }
}

/// <summary>Compares probes with keys.</summary>
internal sealed class PathKeyComparer : IEqualityComparer<PathKey>, IAlternateEqualityComparer<PathProbe, PathKey>
{
    public static PathKeyComparer Instance { get; } = new();

    public bool Equals(PathKey x, PathKey y) => x.Equals(y);

    public int GetHashCode(PathKey obj) => obj.GetHashCode();

    public bool Equals(PathProbe alternate, PathKey other) => alternate.IsPrefix == other.IsPrefix && alternate.Path.SequenceEqual(other.Path);

    public int GetHashCode(PathProbe alternate) => alternate.Hash();

    public PathKey Create(PathProbe alternate) => new(alternate.Path.ToArray(), alternate.IsPrefix);
}
