using System.Collections.Frozen;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MarchProxy.Edge.Caching;
using MarchProxy.Edge.Config;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Balancing;

/// <summary>
/// The marks by which clients come back to an address: a keyed hash of service and address, so that a mark tells nobody either, says the same under every
/// configuration, and cannot be made up.
/// </summary>
internal sealed class AffinityMarks
{
    /// <summary>96 bits: nobody guesses one, and two addresses never share one.</summary>
    private const int MarkBytes = 12;

    private static readonly byte[] s_own = RandomNumberGenerator.GetBytes(32);
    private readonly FrozenDictionary<byte[], Marked> _byMark;
    private readonly FrozenDictionary<byte[], Marked>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly FrozenDictionary<EndpointState, Marked> _byEndpoint;

    public AffinityMarks(Affinity affinity, IEnumerable<CompiledBackend> backends)
    {
        Cookie = affinity.Cookie.Length > 0 ? Encoding.ASCII.GetBytes(affinity.Cookie) : null;
        Field = affinity.Header.Length > 0 ? Encoding.ASCII.GetBytes(affinity.Header.ToLowerInvariant()) : null;
        byte[] key = affinity.Secret is { } secret ? Encoding.UTF8.GetBytes(secret) : s_own;
        Marked[] all = [.. backends.SelectMany(b => b.Endpoints.Select(e => Marked.Of(affinity, key, b, e)))];
        _byMark = all.DistinctBy(m => m.State).ToFrozenDictionary(m => m.Mark, CacheKeyComparer.Instance);
        _lookup = _byMark.GetAlternateLookup<ReadOnlySpan<byte>>();
        _byEndpoint = _byMark.Values.ToFrozenDictionary(m => m.State);
    }

    /// <summary>The cookie that carries the mark, or null.</summary>
    public byte[]? Cookie { get; }

    /// <summary>The field that carries it, in lower case, or null.</summary>
    public byte[]? Field { get; }

    /// <summary>The address that a mark stands for; null when none does, or any more.</summary>
    public (CompiledBackend Backend, EndpointState State)? Find(ReadOnlySpan<byte> mark) => _lookup.TryGetValue(mark, out Marked? marked) ? (marked.Backend, marked.State) : null;

    /// <summary>The field line, with its line break, that gives a client the mark of an address; empty for an address that has none.</summary>
    public ReadOnlySpan<byte> LineFor(EndpointState state, bool isSecure) => _byEndpoint.TryGetValue(state, out Marked? marked) ? isSecure ? marked.SecureLine : marked.PlainLine : default;

    /// <summary>The mark of an address; empty for one that has none.</summary>
    public ReadOnlySpan<byte> MarkOf(EndpointState state) => _byEndpoint.TryGetValue(state, out Marked? marked) ? marked.Mark : default;

    private sealed record Marked(CompiledBackend Backend, EndpointState State, byte[] Mark, byte[] PlainLine, byte[] SecureLine)
    {
        public static Marked Of(Affinity affinity, byte[] key, CompiledBackend backend, EndpointState state)
        {
            byte[] hash = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{state.Service}\0{state.Endpoint}"));
            string mark = Convert.ToBase64String(hash, 0, MarkBytes).Replace('+', '-').Replace('/', '_');
            return new Marked(backend, state, Encoding.ASCII.GetBytes(mark), Line(affinity, mark, affinity.Secure == "always"), Line(affinity, mark, affinity.Secure != "never"));
        }

        // RFC 6265 section 4.1.1
        private static byte[] Line(Affinity affinity, string mark, bool secure)
        {
            if (affinity.Header.Length > 0) return Encoding.ASCII.GetBytes($"{affinity.Header}: {mark}\r\n");
            var line = new StringBuilder($"Set-Cookie: {affinity.Cookie}={mark}; Path={affinity.Path}");
            if (affinity.Ttl > TimeSpan.Zero) line.Append(CultureInfo.InvariantCulture, $"; Max-Age={(long)affinity.Ttl.TotalSeconds}");
            if (affinity.HttpOnly) line.Append("; HttpOnly");
            if (secure || affinity.SameSite == "none") line.Append("; Secure");
            line.Append("; SameSite=").Append(affinity.SameSite switch { "strict" => "Strict", "none" => "None", _ => "Lax" }).Append("\r\n");
            return Encoding.ASCII.GetBytes(line.ToString());
        }
    }
}
