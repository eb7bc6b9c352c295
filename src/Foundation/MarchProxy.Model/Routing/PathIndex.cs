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
        _expressions = [.. expressions.OrderBy(e => e.Candidate.Route.Priority).ThenByDescending(e => e.Candidate.Conditions).ThenBy(e => e.Candidate.Route.Name, StringComparer.Ordinal)];
        _lengths = [.. paths.Keys.Where(k => k.IsPrefix).Select(k => k.Length).Distinct().OrderDescending()];
    }

    public Route? Match(ReadOnlySpan<byte> path, ReadOnlySpan<byte> method, IRequestFields? request)
    {
        Route? best = null;
        if (_paths.Count > 0)
        {
            Dictionary<PathKey, Candidate[]>.AlternateLookup<PathProbe> lookup = _paths.GetAlternateLookup<PathProbe>();
            if (lookup.TryGetValue(new PathProbe(path, false), out Candidate[]? exact)) best = Better(best, exact, method, request);
            if (_expressions.Length > 0) best = Better(best, MatchExpression(path, method, request));
            foreach (int length in _lengths)
            {
                if (length > path.Length || (length < path.Length && path[length] != '/')) continue;
                if (lookup.TryGetValue(new PathProbe(path[..length], true), out Candidate[]? prefix)) best = Better(best, prefix, method, request);
            }
        }
        else if (_expressions.Length > 0)
        {
            best = MatchExpression(path, method, request);
        }

        return Better(best, _everyPath, method, request);
    }

    private Route? MatchExpression(ReadOnlySpan<byte> path, ReadOnlySpan<byte> method, IRequestFields? request)
    {
        string text = Encoding.Latin1.GetString(path);
        foreach ((Regex regex, Candidate candidate) in _expressions)
        {
            if (candidate.Takes(method, request) && regex.IsMatch(text)) return candidate.Route;
        }

        return null;
    }

    private static Route? Better(Route? best, Candidate[] candidates, ReadOnlySpan<byte> method, IRequestFields? request)
    {
        foreach (Candidate candidate in candidates)
        {
            if (candidate.Takes(method, request)) return Better(best, candidate.Route);
        }

        return best;
    }

    /// <summary>What was found earlier is more specific: only a lower priority beats it.</summary>
    private static Route? Better(Route? best, Route? next) => best is null || (next is not null && next.Priority < best.Priority) ? next : best;

    private static Candidate[] Ordered(IEnumerable<Candidate> candidates) =>
        [.. candidates.OrderBy(c => c.Route.Priority).ThenByDescending(c => c.Conditions).ThenBy(c => c.Route.Name, StringComparer.Ordinal)];

    private sealed class Candidate(Route route)
    {
        private readonly RouteConditions _conditions = new(route);

        public Route Route => route;

        public int Conditions => _conditions.Count;

        public bool Takes(ReadOnlySpan<byte> method, IRequestFields? request) => _conditions.Hold(method, request);
    }
}
