using System.Collections.Immutable;
using System.Globalization;

namespace MarchProxy.Model.Addresses;

/// <summary>A set of ports written as <c>443</c>, <c>8000-8099</c> or <c>443,8443,9000-9010</c>; sorted, overlapping ranges joined.</summary>
public sealed class PortSet : IEquatable<PortSet>
{
    private readonly ImmutableArray<(int First, int Last)> _ranges;

    private PortSet(ImmutableArray<(int First, int Last)> ranges, int preferred)
    {
        _ranges = ranges;
        Preferred = preferred;
    }

    /// <summary>Every port.</summary>
    public static PortSet Any { get; } = new([(1, 65535)], 0);

    /// <summary>The first port written; zero for <see cref="Any"/>.</summary>
    public int Preferred { get; }

    /// <summary>Whether it is every port.</summary>
    public bool IsAny => Preferred == 0;

    /// <summary>The ranges in order, not overlapping.</summary>
    public ImmutableArray<(int First, int Last)> Ranges => _ranges;

    /// <summary>Whether a port is in it.</summary>
    /// <param name="port">The port.</param>
    public bool Contains(int port)
    {
        int low = 0, high = _ranges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (port < _ranges[middle].First) high = middle - 1;
            else if (port > _ranges[middle].Last) low = middle + 1;
            else return true;
        }

        return false;
    }

    /// <summary>Reads a port set.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="ports">The set.</param>
    /// <param name="fault">The piece that is wrong.</param>
    public static bool TryParse(string text, out PortSet ports, out string fault)
    {
        ports = Any;
        fault = "";
        var ranges = new List<(int First, int Last)>();
        foreach (string piece in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int dash = piece.IndexOf('-', StringComparison.Ordinal);
            bool ok = TryPort(dash < 0 ? piece : piece[..dash], out int first);
            int last = first;
            if (ok && dash >= 0) ok = TryPort(piece[(dash + 1)..], out last) && last >= first;
            if (!ok)
            {
                fault = piece;
                return false;
            }

            ranges.Add((first, last));
        }

        ports = new PortSet(Join(ranges), ranges[0].First);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (IsAny) return "";
        string ranges = string.Join(',', _ranges.Select(r => r.First == r.Last ? Text(r.First) : $"{Text(r.First)}-{Text(r.Last)}"));
        return Preferred == _ranges[0].First ? ranges : $"{Text(Preferred)},{ranges}";
    }

    /// <inheritdoc/>
    public bool Equals(PortSet? other) => other is not null && Preferred == other.Preferred && _ranges.SequenceEqual(other._ranges);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PortSet);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Preferred, _ranges.Length, _ranges[0]);

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;

    private static ImmutableArray<(int First, int Last)> Join(List<(int First, int Last)> ranges)
    {
        var joined = ImmutableArray.CreateBuilder<(int First, int Last)>();
        foreach ((int first, int last) in ranges.Order())
        {
            if (joined.Count > 0 && first <= joined[^1].Last + 1) joined[^1] = (joined[^1].First, Math.Max(joined[^1].Last, last));
            else joined.Add((first, last));
        }

        return joined.ToImmutable();
    }
}
