using System.Net;
using ArticDbm.Proxy.Identity;
using MarchProxy.Model.Resources;
using MarchProxy.Tests;

namespace ArticDbm.Proxy.Tests.Identity;

public sealed class AccountLimitsTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void A_rate_lets_a_second_s_worth_through_at_once_and_then_one_at_a_time()
    {
        var limits = new AccountLimits(_time);
        var account = new DbAccount { Name = "a", RateLimit = 10 };
        Assert.Equal(10, Enumerable.Range(0, 30).Count(_ => limits.Statement(account) is null));
        Assert.Equal("rate-limit", limits.Statement(account));
        _time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Null(limits.Statement(account));
        Assert.Equal("rate-limit", limits.Statement(account));
        Assert.Null(limits.Statement(account with { Name = "b" }));
        Assert.Null(limits.Statement(new DbAccount { Name = "free" }));
    }

    [Fact]
    public void A_quota_is_an_hour_s()
    {
        var limits = new AccountLimits(_time);
        var account = new DbAccount { Name = "a", QuotaPerHour = 3 };
        Assert.Equal([null, null, null, "quota-per-hour", "quota-per-hour"], Enumerable.Range(0, 5).Select(_ => limits.Statement(account)));
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal("quota-per-hour", limits.Statement(account));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(limits.Statement(account));
    }

    [Fact]
    public void Who_guesses_waits_and_others_do_not()
    {
        var limits = new AccountLimits(_time);
        for (int i = 0; i < 20; i++)
        {
            Assert.False(limits.IsGuessing(IPAddress.Loopback));
            limits.Failed(IPAddress.Loopback);
        }

        Assert.True(limits.IsGuessing(IPAddress.Loopback));
        Assert.False(limits.IsGuessing(IPAddress.IPv6Loopback));
        Assert.False(limits.IsGuessing(null));
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(limits.IsGuessing(IPAddress.Loopback));
    }
}
