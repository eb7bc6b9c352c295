using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;

namespace MarchProxy.Model.Egress;

/// <summary>A service's static answers: exact names first, then the longest <c>*.</c> suffix.</summary>
internal sealed class StaticNames
{
    private readonly FrozenDictionary<string, ImmutableArray<IPAddress>>.AlternateLookup<ReadOnlySpan<char>> _names;

    public StaticNames(ImmutableDictionary<string, ImmutableArray<IPAddress>> resolve) =>
        _names = resolve.ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    public bool TryFind(ReadOnlySpan<char> host, out ImmutableArray<IPAddress> addresses)
    {
        if (_names.TryGetValue(host, out addresses)) return true;
        Span<char> wildcard = stackalloc char[host.Length + 1];
        for (int dot = host.IndexOf('.'); dot >= 0;)
        {
            ReadOnlySpan<char> suffix = host[dot..];
            wildcard[0] = '*';
            suffix.CopyTo(wildcard[1..]);
            if (_names.TryGetValue(wildcard[..(suffix.Length + 1)], out addresses)) return true;
            int next = suffix[1..].IndexOf('.');
            dot = next < 0 ? -1 : dot + 1 + next;
        }

        return false;
    }
}
