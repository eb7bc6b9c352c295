using ArticDbm.Proxy.Identity;
using MarchProxy.Model.Databases;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Tests.Identity;

/// <summary>Keys whose uses are bounded: here at once, and over several planes once they have heard of each other.</summary>
public sealed class KeyLedgerTests
{
    private static readonly DbVerifiers s_verifiers = DbPassword.Seal(new DbAccount { Name = "a", Password = "secret" }, null).Verifiers!;
    private readonly KeyLedger _ledger = new();

    [Fact]
    public void A_key_opens_as_often_as_it_may_and_no_more()
    {
        int told = 0;
        _ledger.Used = () => told++;
        Assert.True(_ledger.TryUse("a", Key(2, 0)));
        Assert.True(_ledger.TryUse("a", Key(2, 0)));
        Assert.False(_ledger.TryUse("a", Key(2, 0)));
        Assert.True(_ledger.TryUse("b", Key(2, 0)));
        Assert.Equal(3, told);
    }

    [Fact]
    public void What_others_have_used_counts_and_what_was_told_is_not_counted_twice()
    {
        Assert.True(_ledger.TryUse("a", Key(4, 0)));
        Assert.Equal([("a", "k", 1L)], _ledger.Take());

        // The manager has this one and two of another plane's.
        _ledger.Answered();
        Assert.Empty(_ledger.Take());
        Assert.True(_ledger.TryUse("a", Key(4, 3)));
        Assert.False(_ledger.TryUse("a", Key(4, 3)));
        Assert.Equal([("a", "k", 1L)], _ledger.Take());
    }

    [Fact]
    public void A_report_that_was_not_answered_is_told_again_with_what_came_since()
    {
        _ledger.TryUse("a", Key(9, 0));
        _ledger.Take();
        _ledger.TryUse("a", Key(9, 0));
        Assert.Equal([("a", "k", 2L)], _ledger.Take());
    }

    [Fact]
    public void Another_secret_under_the_same_name_is_another_key()
    {
        Assert.True(_ledger.TryUse("a", Key(1, 0)));
        Assert.False(_ledger.TryUse("a", Key(1, 0)));
        Assert.True(_ledger.TryUse("a", Key(1, 0) with { Verifiers = s_verifiers with { Scram = "other" } }));
    }

    private static DbKey Key(int most, int uses) => new() { Name = "k", MaxUses = most, Uses = uses, Verifiers = s_verifiers };
}
