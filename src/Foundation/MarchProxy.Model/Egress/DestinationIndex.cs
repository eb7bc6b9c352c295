using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Egress;

/// <summary>Finds the services that a name or address belongs to, in time independent of how many there are.</summary>
internal sealed class DestinationIndex
{
    private readonly Dictionary<string, Service[]> _names;
    private readonly Dictionary<string, Service[]>.AlternateLookup<ReadOnlySpan<char>> _byName;
    private readonly Dictionary<string, Service[]> _suffixes;
    private readonly Dictionary<string, Service[]>.AlternateLookup<ReadOnlySpan<char>> _bySuffix;
    private readonly (int Length, Dictionary<UInt128, Service[]> Services)[] _v4;
    private readonly (int Length, Dictionary<UInt128, Service[]> Services)[] _v6;

    public DestinationIndex(IEnumerable<Service> services)
    {
        var names = new Dictionary<string, List<Service>>();
        var suffixes = new Dictionary<string, List<Service>>();
        var networks = new Dictionary<(bool V6, int Length, UInt128 Prefix), List<Service>>();
        foreach (Service service in services)
        {
            foreach (string address in service.Addresses)
            {
                if (!HostPattern.TryParse(address, out HostPattern pattern, out _)) continue;
                if (pattern.Kind == HostPatternKind.Name) Add(names, pattern.Name, service);
                else if (pattern.Kind == HostPatternKind.Suffix) Add(suffixes, pattern.Name, service);
                else Add(networks, Key(pattern.Network), service);
            }
        }

        _names = names.ToDictionary(p => p.Key, p => p.Value.ToArray(), StringComparer.Ordinal);
        _byName = _names.GetAlternateLookup<ReadOnlySpan<char>>();
        _suffixes = suffixes.ToDictionary(p => p.Key, p => p.Value.ToArray(), StringComparer.Ordinal);
        _bySuffix = _suffixes.GetAlternateLookup<ReadOnlySpan<char>>();
        _v4 = Levels(networks, v6: false);
        _v6 = Levels(networks, v6: true);
    }

    /// <summary>Every service with a pattern that covers the name, exact ones first, then longer suffixes first.</summary>
    public void FindName(ReadOnlySpan<char> name, ref ServiceMatches matches)
    {
        if (_byName.TryGetValue(name, out Service[]? exact)) matches.Add(exact);
        if (_suffixes.Count == 0) return;
        for (int dot = name.IndexOf('.'); dot >= 0;)
        {
            ReadOnlySpan<char> suffix = name[(dot + 1)..];
            if (_bySuffix.TryGetValue(suffix, out Service[]? found)) matches.Add(found);
            int next = suffix.IndexOf('.');
            dot = next < 0 ? -1 : dot + 1 + next;
        }
    }

    /// <summary>Every service with a network that holds the address, longer prefixes first.</summary>
    public void FindAddress(IPAddress address, ref ServiceMatches matches)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        UInt128 value = Value(address);
        foreach ((int length, Dictionary<UInt128, Service[]> services) in v6 ? _v6 : _v4)
        {
            if (services.TryGetValue(Prefix(value, length, v6), out Service[]? found)) matches.Add(found);
        }
    }

    private static (bool V6, int Length, UInt128 Prefix) Key(IPNetwork network) =>
        (network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6, network.PrefixLength, Value(network.BaseAddress));

    private static UInt128 Prefix(UInt128 value, int length, bool v6)
    {
        int bits = (v6 ? 128 : 32) - length;
        return bits >= 128 ? UInt128.Zero : value >> bits << bits;
    }

    private static UInt128 Value(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static (int Length, Dictionary<UInt128, Service[]> Services)[] Levels(
        Dictionary<(bool V6, int Length, UInt128 Prefix), List<Service>> networks, bool v6) =>
    [
        .. networks.Where(n => n.Key.V6 == v6)
            .GroupBy(n => n.Key.Length)
            .OrderByDescending(g => g.Key)
            .Select(g => (g.Key, g.ToDictionary(n => n.Key.Prefix, n => n.Value.ToArray()))),
    ];

    private static void Add<TKey>(Dictionary<TKey, List<Service>> index, TKey key, Service service)
        where TKey : notnull
    {
        if (!index.TryGetValue(key, out List<Service>? list)) index[key] = list = [];
        if (!list.Contains(service)) list.Add(service);
    }
}

/// <summary>The lists of services that a look-up found; a name has at most 127 labels, of which 16 levels with services are looked at.</summary>
internal ref struct ServiceMatches
{
    private MatchBuffer _lists;

    public int Count { get; private set; }

    public readonly ReadOnlySpan<Service> this[int index] => _lists[index];

    public void Add(Service[] services)
    {
        if (Count < MatchBuffer.Length) _lists[Count++] = services;
    }
}

/// <summary>Room for the lists on the stack.</summary>
[System.Runtime.CompilerServices.InlineArray(Length)]
internal struct MatchBuffer
{
    public const int Length = 40;
    private Service[] _first;
}
