using System.Text;
using MarchProxy.Edge.Compression;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Waf;

/// <summary>A route's rules, compiled.</summary>
internal sealed class WafProfile
{
    private readonly WafMode[] _modes;
    private readonly byte[][] _methods;

    public WafProfile(Model.Resources.Waf waf)
    {
        _modes = [.. Model.Resources.Waf.Rules.Select(r => waf.ModeOf(r.Rule))];
        _methods = [.. waf.Methods.Select(Encoding.ASCII.GetBytes)];
        MaxUri = waf.MaxUri;
        MaxQuery = waf.MaxQuery;
        MaxHeaders = waf.MaxHeaders;
        MaxHeaderBytes = waf.MaxHeaderBytes;
        MaxBody = waf.MaxBody;
        ContentTypes = waf.ContentTypes.IsEmpty ? null : new TypePatterns(waf.ContentTypes);
        Allow = string.Join(", ", waf.Methods);
    }

    public int MaxUri { get; }

    public int MaxQuery { get; }

    public int MaxHeaders { get; }

    public int MaxHeaderBytes { get; }

    public long MaxBody { get; }

    /// <summary>Types of content that pass; null for all.</summary>
    public TypePatterns? ContentTypes { get; }

    /// <summary>The methods that pass, as the Allow field tells them.</summary>
    public string Allow { get; }

    /// <summary>Whether methods are listed.</summary>
    public bool ListsMethods => _methods.Length > 0;

    public WafMode this[WafRule rule] => _modes[(int)rule];

    /// <summary>Whether a method is listed.</summary>
    public bool Takes(ReadOnlySpan<byte> method)
    {
        foreach (byte[] listed in _methods)
        {
            if (method.SequenceEqual(listed)) return true;
        }

        return false;
    }
}

/// <summary>What the rules found in one request.</summary>
internal struct WafVerdict
{
    private ushort _found;

    /// <summary>The first rule that refuses it; null when it passes.</summary>
    public WafRule? Blocked { get; private set; }

    /// <summary>The first rule that found anything, refusing or not.</summary>
    public WafRule? First { get; private set; }

    /// <summary>Whether a rule found something.</summary>
    public readonly bool Has(WafRule rule) => (_found & (1 << (int)rule)) != 0;

    /// <summary>Notes a finding.</summary>
    public void Note(WafProfile profile, WafRule rule)
    {
        if (profile[rule] == WafMode.Off) return;
        _found |= (ushort)(1 << (int)rule);
        First ??= rule;
        if (profile[rule] == WafMode.Block) Blocked ??= rule;
    }
}
