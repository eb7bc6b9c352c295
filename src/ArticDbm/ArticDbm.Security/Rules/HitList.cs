using System.Collections.Immutable;

namespace ArticDbm.Security.Rules;

/// <summary>What the rules found, each once, where it was found first.</summary>
internal struct HitList
{
    private ulong _seen;
    private ImmutableArray<RuleHit>.Builder? _hits;

    public void Add(FirewallRule rule, int offset)
    {
        ulong bit = 1UL << rule.Index;
        if ((_seen & bit) != 0) return;
        _seen |= bit;
        (_hits ??= ImmutableArray.CreateBuilder<RuleHit>(4)).Add(new RuleHit(rule, offset));
    }

    public readonly bool Has(FirewallRule rule) => (_seen & (1UL << rule.Index)) != 0;

    public readonly ImmutableArray<RuleHit> ToImmutable() => _hits?.ToImmutable() ?? [];
}
