using System.Text;
using System.Text.RegularExpressions;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Routing;

/// <summary>
/// The routes of one host by path: exact ones and prefixes in one hash of their bytes, regular expressions in a list. Lower priority first, then the
/// more specific: exact, regular expression, longer prefix.
/// </summary>
internal sealed class PathIndex
{
    private readonly Dictionary<PathKey, Candidate[]> _paths = new(PathKeyComparer.Instance);
    private readonly (Regex Regex, Candidate Candidate)[] _expressions;
    private readonly Candidate[] _everyPath;

    /// <summary>Lengths of the prefixes that there are, longest first.</summary>
    private readonly int[] _lengths;

    public PathIndex(IEnumerable<Route> routes)
    {
        var paths = new Dictionary<PathKey, List<Candidate>>(PathKeyComparer.Instance);
        var every = new List<Candidate>();
        var expressions = new List<(Regex Regex, Candidate Candidate)>();
        foreach (Route route in routes)
        {
            var candidate = new Candidate(route);
            if (route.Paths.IsEmpty) every.Add(candidate);
            foreach (PathMatch path in route.Paths)
            {
                switch (path.Kind)
                {
                    case PathMatchKind.Regex:
                        expressions.Add((new Regex(path.Value, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant), candidate));
                        break;
                    case PathMatchKind.Prefix when path.Value == "/":
                        every.Add(candidate);
                        break;
                    default:
                        bool prefix = path.Kind == PathMatchKind.Prefix;
                        var key = new PathKey(Encoding.UTF8.GetBytes(prefix ? path.Value.TrimEnd('/') : path.Value), prefix);
                        if (!paths.TryGetValue(key, out List<Candidate>? list)) paths[key] = list = [];
                        list.Add(candidate);
                        break;
                }
            }
        }

        foreach ((PathKey key, List<Candidate> list) in paths) _paths[key] = Ordered(list);
        _everyPath = Ordered(every);
        _expressions = [.. expressions.OrderBy(e => e.Candidate.Route.Priority).ThenBy(e => e.Candidate.Route.Name, StringComparer.Ordinal)];
        _lengths = [.. paths.Keys.Where(k => k.IsPrefix).Select(k => k.Length).Distinct().OrderDescending()];
    }

    public Route? Match(ReadOnlySpan<byte> path, ReadOnlySpan<byte> method)
    {
        Route? best = null;
        if (_paths.Count > 0)
        {
            Dictionary<PathKey, Candidate[]>.AlternateLookup<PathProbe> lookup = _paths.GetAlternateLookup<PathProbe>();
            if (lookup.TryGetValue(new PathProbe(path, false), out Candidate[]? exact)) best = Better(best, exact, method);
            if (_expressions.Length > 0) best = Better(best, MatchExpression(path, method));
            foreach (int length in _lengths)
            {
                if (length > path.Length || (length < path.Length && path[length] != '/')) continue;
                if (lookup.TryGetValue(new PathProbe(path[..length], true), out Candidate[]? prefix)) best = Better(best, prefix, method);
            }
        }
        else if (_expressions.Length > 0)
        {
            best = MatchExpression(path, method);
        }

        return Better(best, _everyPath, method);
    }

    private Route? MatchExpression(ReadOnlySpan<byte> path, ReadOnlySpan<byte> method)
    {
        string text = Encoding.Latin1.GetString(path);
        foreach ((Regex regex, Candidate candidate) in _expressions)
        {
            if (candidate.Takes(method) && regex.IsMatch(text)) return candidate.Route;
        }

        return null;
    }

    private static Route? Better(Route? best, Candidate[] candidates, ReadOnlySpan<byte> method)
    {
        foreach (Candidate candidate in candidates)
        {
            if (candidate.Takes(method)) return Better(best, candidate.Route);
        }

        return best;
    }

    /// <summary>What was found earlier is more specific: only a lower priority beats it.</summary>
    private static Route? Better(Route? best, Route? next) => best is null || (next is not null && next.Priority < best.Priority) ? next : best;

    private static Candidate[] Ordered(IEnumerable<Candidate> candidates) =>
        [.. candidates.OrderBy(c => c.Route.Priority).ThenBy(c => c.HasMethods ? 0 : 1).ThenBy(c => c.Route.Name, StringComparer.Ordinal)];

    private sealed class Candidate(Route route)
    {
        private readonly byte[][] _methods = [.. route.Methods.Select(Encoding.ASCII.GetBytes)];

        public Route Route => route;

        public bool HasMethods => _methods.Length > 0;

        public bool Takes(ReadOnlySpan<byte> method)
        {
            if (_methods.Length == 0) return true;
            foreach (byte[] one in _methods)
            {
                if (method.SequenceEqual(one)) return true;
            }

            return false;
        }
    }
}
