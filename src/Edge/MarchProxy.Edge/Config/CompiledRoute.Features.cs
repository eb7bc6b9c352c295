using System.Text;
using System.Text.RegularExpressions;
using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Compression;
using MarchProxy.Edge.Waf;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Config;

/// <content>What a route does beside passing on.</content>
internal sealed partial class CompiledRoute
{
    /// <summary>Its name as bytes: a part of cache keys.</summary>
    public byte[] NameBytes { get; }

    /// <summary>The rules that requests are held to, or null.</summary>
    public WafProfile? Waf { get; }

    /// <summary>How responses are compressed, or null.</summary>
    public CompressionRule? Compression { get; }

    /// <summary>The marks of its addresses, or null.</summary>
    public AffinityMarks? Marks { get; }

    /// <summary>Who gets copies, or null.</summary>
    public CompiledBackend? MirrorTo { get; }

    /// <summary>The path that backends are asked for, or null for the client's.</summary>
    public PathRewrite? PathRewrite { get; }

    /// <summary>What a request is tried again after.</summary>
    public RetryRule Retries { get; }

    /// <summary>The names of routes for the same hosts that cache: what an unsafe method changes may be kept by any of them.</summary>
    public byte[][] CachesBeside { get; init; } = [];
}

/// <summary>A path, or an expression that makes one.</summary>
internal sealed class PathRewrite
{
    /// <summary>Bytes of a path that a rewrite makes; as long as the longest request line.</summary>
    private const int MaxBytes = 8 << 10;

    private readonly byte[]? _path;
    private readonly Regex? _regex;
    private readonly string _with;

    public PathRewrite(Rewrite rewrite)
    {
        _path = rewrite.Path.Length > 0 ? Encoding.ASCII.GetBytes(rewrite.Path) : null;
        _regex = rewrite.Regex.Length > 0 ? new Regex(rewrite.Regex, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant) : null;
        _with = rewrite.With;
    }

    /// <summary>What to ask for instead; the query goes along. Null to leave it.</summary>
    public byte[]? Apply(ReadOnlySpan<byte> target)
    {
        int mark = target.IndexOf((byte)'?');
        ReadOnlySpan<byte> path = mark < 0 ? target : target[..mark], query = mark < 0 ? default : target[mark..];
        if (_path is not null) return [.. _path, .. query];
        if (_regex is null) return null;
        string text = path.IsEmpty ? "/" : Encoding.Latin1.GetString(path), made = _regex.Replace(text, _with, 1);
        if (made.Length > MaxBytes || ReferenceEquals(made, text)) return null;
        if (!made.StartsWith('/')) made = "/" + made;
        return [.. Encoding.Latin1.GetBytes(made), .. query];
    }
}

/// <summary>Why a try failed.</summary>
[Flags]
internal enum RetryCause : byte
{
    None = 0,

    /// <summary>There was no connection: nothing was sent.</summary>
    Connect = 1,

    /// <summary>The connection ended before an answer.</summary>
    Reset = 2,

    /// <summary>No answer came within the time of one try.</summary>
    Timeout = 4,

    /// <summary>The answer has a status that is listed.</summary>
    Status = 8,
}

/// <summary>What a request is tried again after.</summary>
internal sealed class RetryRule
{
    private readonly HashSet<int> _statuses = [];
    private readonly RetryCause _causes;
    private readonly bool _all5xx;

    public RetryRule(IEnumerable<string> conditions)
    {
        foreach (string condition in conditions)
        {
            switch (condition)
            {
                case "connect-failure": _causes |= RetryCause.Connect; break;
                case "reset": _causes |= RetryCause.Reset; break;
                case "timeout": _causes |= RetryCause.Timeout; break;
                case "5xx": _all5xx = true; break;
                case "gateway-error": _statuses.UnionWith([502, 503, 504]); break;
                default: _statuses.Add(int.Parse(condition, System.Globalization.CultureInfo.InvariantCulture)); break;
            }
        }
    }

    public bool Has(RetryCause cause) => (_causes & cause) != 0 || cause == RetryCause.Status;

    public bool HasStatus(int status) => (_all5xx && status is >= 500 and <= 599) || (_statuses.Count > 0 && _statuses.Contains(status));
}
