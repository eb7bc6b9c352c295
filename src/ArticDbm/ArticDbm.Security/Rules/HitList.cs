using System.Collections.Immutable;

namespace ArticDbm.Security.Rules;

/// <summary>What the rules found, each once, where it was found first.</summary>
internal struct HitList
{
    private UInt128 _seen;
    private ImmutableArray<RuleHit>.Builder? _hits;

    public void Add(FirewallRule rule, int offset)
    {
        UInt128 bit = UInt128.One << rule.Index;
        if ((_seen & bit) != UInt128.Zero) return;
        _seen |= bit;
        (_hits ??= ImmutableArray.CreateBuilder<RuleHit>(4)).Add(new RuleHit(rule, offset));
    }

    public readonly bool Has(FirewallRule rule) => (_seen & (UInt128.One << rule.Index)) != 0;

    public readonly ImmutableArray<RuleHit> ToImmutable() => _hits?.ToImmutable() ?? [];
}
