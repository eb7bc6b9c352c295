using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Waf;

/// <summary>Counts content whose length nobody told. An exchange keeps one and uses it again.</summary>
internal sealed class WafBodyFilter(EdgeLoop edge) : ExchangeFilter
{
    private WafProfile _profile = null!;
    private Access.AccessRecord _record = null!;
    private long _bytes;

    /// <inheritdoc/>
    public override bool SeesRequestContent => true;

    public WafBodyFilter Use(WafProfile profile, Access.AccessRecord record)
    {
        (_profile, _record, _bytes) = (profile, record, 0);
        return this;
    }

    /// <inheritdoc/>
    public override LocalResponse? OnRequestContent(ReadOnlySpan<byte> piece, bool last)
    {
        bool before = _bytes > _profile.MaxBody;
        _bytes += piece.Length;
        if (before || _bytes <= _profile.MaxBody) return null;
        bool blocks = _profile[WafRule.BodySize] == WafMode.Block;
        _record.Waf ??= Model.Resources.Waf.NameOf(WafRule.BodySize);
        edge.Metrics.Ingress.Waf(WafRule.BodySize, blocks);
        return blocks ? LocalAnswers.Waf(WafRule.BodySize, _profile) : null;
    }
}
