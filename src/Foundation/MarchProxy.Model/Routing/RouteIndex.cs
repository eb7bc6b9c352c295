using System.Collections.Frozen;
using System.Collections.Immutable;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Routing;

/// <summary>
/// Finds the route of a request by host, path and method. Hosts are looked up by name, then by the longest suffix, then among the routes for every
/// host; paths in a hash of their prefixes. The cost depends on the lengths of the name and path, not on the number of routes.
/// </summary>
public sealed class RouteIndex
{
    private readonly FrozenDictionary<string, PathIndex> _names;
    private readonly FrozenDictionary<string, PathIndex>.AlternateLookup<ReadOnlySpan<char>> _byName;
    private readonly FrozenDictionary<string, PathIndex> _suffixes;
    private readonly FrozenDictionary<string, PathIndex>.AlternateLookup<ReadOnlySpan<char>> _bySuffix;
    private readonly PathIndex? _everyHost;

    /// <summary>Compiles routes.</summary>
    /// <param name="routes">The routes, validated.</param>
    public RouteIndex(ImmutableArray<Route> routes)
    {
        var names = new Dictionary<string, List<Route>>();
        var suffixes = new Dictionary<string, List<Route>>();
        var every = new List<Route>();
        foreach (Route route in routes)
        {
            if (route.Hosts.IsEmpty) every.Add(route);
            foreach (string host in route.Hosts)
            {
                if (!HostPattern.TryParse(host, out HostPattern pattern, out _)) continue;
                string key = pattern.Kind == HostPatternKind.Network ? host : pattern.Name;
                Dictionary<string, List<Route>> index = pattern.Kind == HostPatternKind.Suffix ? suffixes : names;
                if (!index.TryGetValue(key, out List<Route>? list)) index[key] = list = [];
                list.Add(route);
            }
        }

        _names = names.ToFrozenDictionary(p => p.Key, p => new PathIndex(p.Value));
        _byName = _names.GetAlternateLookup<ReadOnlySpan<char>>();
        _suffixes = suffixes.ToFrozenDictionary(p => p.Key, p => new PathIndex(p.Value));
        _bySuffix = _suffixes.GetAlternateLookup<ReadOnlySpan<char>>();
        _everyHost = every.Count > 0 ? new PathIndex(every) : null;
    }

    /// <summary>The route of a request, or null. Allocates nothing, unless a regular expression has to be tried.</summary>
    /// <param name="host">The host in lower case, without a port.</param>
    /// <param name="path">The path, without its query.</param>
    /// <param name="method">The method.</param>
    /// <param name="request">Its fields and query, for routes with conditions on them.</param>
    public Route? Match(ReadOnlySpan<char> host, ReadOnlySpan<byte> path, ReadOnlySpan<byte> method, IRequestFields? request = null)
    {
        if (_byName.TryGetValue(host, out PathIndex? index) && index.Match(path, method, request) is { } exact) return exact;
        if (_suffixes.Count > 0)
        {
            for (ReadOnlySpan<char> rest = host; rest.IndexOf('.') is >= 0 and int dot;)
            {
                rest = rest[(dot + 1)..];
                if (_bySuffix.TryGetValue(rest, out index) && index.Match(path, method, request) is { } wild) return wild;
            }
        }

        return _everyHost?.Match(path, method, request);
    }
}
