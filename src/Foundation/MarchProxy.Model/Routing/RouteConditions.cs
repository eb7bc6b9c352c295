using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Routing;

/// <summary>What a route demands beside host and path: method, header fields, query parameters.</summary>
internal sealed class RouteConditions
{
    private readonly byte[][] _methods;
    private readonly Test[] _headers, _query;

    public RouteConditions(Route route)
    {
        _methods = [.. route.Methods.Select(Encoding.ASCII.GetBytes)];
        _headers = Tests(route.Headers);
        _query = Tests(route.Query);
    }

    /// <summary>How many there are: who demands more is tried first.</summary>
    public int Count => (_methods.Length > 0 ? 1 : 0) + _headers.Length + _query.Length;

    public bool Hold(ReadOnlySpan<byte> method, IRequestFields? request)
    {
        if (_methods.Length > 0 && !Names(method)) return false;
        if (_headers.Length + _query.Length == 0) return true;
        if (request is null) return false;
        foreach (Test test in _headers)
        {
            bool there = request.TryGetField(test.Name, out ReadOnlySpan<byte> value);
            if (!test.Holds(there, value)) return false;
        }

        foreach (Test test in _query)
        {
            bool there = TryGetParameter(request.Query, test.Name, out ReadOnlySpan<byte> value);
            if (!test.Holds(there, value)) return false;
        }

        return true;
    }

    private bool Names(ReadOnlySpan<byte> method)
    {
        foreach (byte[] one in _methods)
        {
            if (method.SequenceEqual(one)) return true;
        }

        return false;
    }

    /// <summary>The first parameter of a name, as it stands: names and values are compared in the form that they were sent in.</summary>
    private static bool TryGetParameter(ReadOnlySpan<byte> query, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        while (!query.IsEmpty)
        {
            int end = query.IndexOf((byte)'&');
            ReadOnlySpan<byte> pair = end < 0 ? query : query[..end];
            query = end < 0 ? default : query[(end + 1)..];
            int equals = pair.IndexOf((byte)'=');
            if (!(equals < 0 ? pair : pair[..equals]).SequenceEqual(name)) continue;
            value = equals < 0 ? default : pair[(equals + 1)..];
            return true;
        }

        value = default;
        return false;
    }

    private static Test[] Tests(ImmutableArray<FieldMatch> matches) => [.. matches.Select(m => new Test(m))];

    private sealed class Test(FieldMatch match)
    {
        private readonly byte[] _value = Encoding.UTF8.GetBytes(match.Value);
        private readonly Regex? _regex = match.Kind == FieldMatchKind.Regex ? new Regex(match.Value, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant) : null;

        public byte[] Name { get; } = Encoding.UTF8.GetBytes(match.Name);

        public bool Holds(bool there, ReadOnlySpan<byte> value) => match.Kind switch
        {
            FieldMatchKind.Present => there,
            FieldMatchKind.Absent => !there,
            FieldMatchKind.Exact => there && value.SequenceEqual(_value),
            FieldMatchKind.Prefix => there && value.StartsWith(_value),
            _ => there && _regex!.IsMatch(Encoding.Latin1.GetString(value)),
        };
    }
}
