using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Egress;

/// <summary>
/// The mappings between one source key and one destination key: for each protocol the ports cut into intervals, and for each interval the
/// mappings that cover it, in the order of decision. A look-up is a binary search.
/// </summary>
internal sealed class MappingBucket
{
    private readonly Mapping[] _ordered;
    private Intervals? _intervals;
    private static readonly EgressProtocols[] s_protocols = [EgressProtocols.Tcp, EgressProtocols.Udp, EgressProtocols.Icmp, EgressProtocols.Http, EgressProtocols.Https];

    public MappingBucket(IEnumerable<Mapping> mappings)
    {
        _ordered = [.. mappings];
        Array.Sort(_ordered, Compare);
    }

    /// <summary>One of them, to name when none fits.</summary>
    public Mapping First => _ordered[0];

    /// <summary>Lower priority first; at equal priority deny beats allow; then by name, so that the order is total.</summary>
    public static int Compare(Mapping a, Mapping b)
    {
        int order = a.Priority.CompareTo(b.Priority);
        if (order != 0) return order;
        order = (b.Effect == MappingEffect.Deny).CompareTo(a.Effect == MappingEffect.Deny);
        return order != 0 ? order : string.CompareOrdinal(a.Name, b.Name);
    }

    /// <summary>The mappings for a protocol and port, in the order of decision.</summary>
    public ReadOnlySpan<Mapping> Find(EgressProtocols protocol, int port)
    {
        Intervals intervals = _intervals ??= new Intervals(_ordered);
        int index = Array.IndexOf(s_protocols, protocol);
        int at = intervals.Starts[index].AsSpan().BinarySearch(port);
        if (at < 0) at = ~at - 1;
        return at < 0 ? default : intervals.Mappings[index][at];
    }

    /// <summary>Cut when first asked: of thousands of buckets a new configuration is asked about few, and two that cut at once come to the same.</summary>
    private sealed class Intervals
    {
        public Intervals(Mapping[] ordered)
        {
            for (int i = 0; i < s_protocols.Length; i++)
            {
                Mapping[] those = [.. ordered.Where(m => (m.Protocols & s_protocols[i]) != 0)];

                // ICMP has no ports: whatever ports a mapping names, it is for all of it.
                (Starts[i], Mappings[i]) = s_protocols[i] == EgressProtocols.Icmp ? ([0], [those]) : Cut(those);
            }
        }

        public int[][] Starts { get; } = new int[s_protocols.Length][];

        public Mapping[][][] Mappings { get; } = new Mapping[s_protocols.Length][][];
    }

    private static (int[] Starts, Mapping[][] Mappings) Cut(Mapping[] mappings)
    {
        var starts = new SortedSet<int>();
        foreach (Mapping mapping in mappings)
        {
            foreach ((int first, int last) in mapping.Ports.Ranges)
            {
                starts.Add(first);
                starts.Add(last + 1);
            }
        }

        int[] cuts = [.. starts];
        return (cuts, [.. cuts.Select(start => mappings.Where(m => m.Ports.Contains(start)).ToArray())]);
    }
}
