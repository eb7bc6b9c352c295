using System.Net;
using MarchProxy.Edge.Balancing;
using MarchProxy.Model.Resources;
using MarchProxy.Net;

namespace MarchProxy.Edge.Tests.Balancing;

/// <summary>What each way of balancing promises: even shares, few keys that move, nothing to what is out.</summary>
public sealed class BalancerTests
{
    private const int Requests = 20_000;

    [Theory]
    [InlineData(Balance.RoundRobin, 0.01)]
    [InlineData(Balance.LeastRequest, 0.01)]
    [InlineData(Balance.RandomTwo, 0.1)]
    [InlineData(Balance.RingHash, 0.35)]
    [InlineData(Balance.IpHash, 0.35)]
    [InlineData(Balance.Maglev, 0.05)]
    public void Shares_are_even_and_what_is_out_gets_nothing(Balance kind, double tolerance)
    {
        EndpointState[] all = Make(10);
        var balancer = new Balancer(kind, all);
        foreach (int share in Spread(balancer, all).Values) Assert.InRange(share, Requests / 10 * (1 - tolerance), Requests / 10 * (1 + tolerance));
        all[3].SetHealth(false, 0);
        all[7].Eject(new OutlierEjection(), 0);
        Dictionary<EndpointState, int> rest = Spread(balancer, all);
        Assert.Equal(8, rest.Count);
        Assert.False(rest.ContainsKey(all[3]) || rest.ContainsKey(all[7]));
        foreach (EndpointState state in all) state.SetHealth(false, 0);

        // With none left, all are tried rather than nobody.
        Assert.NotEmpty(Spread(balancer, all));
    }

    [Theory]
    [InlineData(Balance.RingHash)]
    [InlineData(Balance.Maglev)]
    public void One_address_less_moves_little_more_than_its_own_keys(Balance kind)
    {
        EndpointState[] all = Make(10);
        var before = new Balancer(kind, all);
        var after = new Balancer(kind, all[..9]);
        int moved = 0;
        for (ulong key = 0; key < Requests; key++)
        {
            EndpointState was = before.Choose(Key(key), 0), now = after.Choose(Key(key), 0);
            if (was != now && was != all[9]) moved++;
        }

        Assert.InRange(moved, 0, Requests * (kind == Balance.RingHash ? 0.001 : 0.12));
    }

    [Fact]
    public void A_busy_address_hands_keys_on_and_gets_them_back()
    {
        EndpointState[] all = Make(4);
        var balancer = new Balancer(Balance.RingHash, all);
        EndpointState home = balancer.Choose(Key(1), 0);
        home.Active = 50;
        Assert.NotSame(home, balancer.Choose(Key(1), 0));
        home.Active = 0;
        Assert.Same(home, balancer.Choose(Key(1), 0));
    }

    [Fact]
    public void The_least_busy_is_chosen()
    {
        EndpointState[] all = Make(3);
        (all[0].Active, all[1].Active, all[2].Active) = (5, 1, 3);
        var balancer = new Balancer(Balance.LeastRequest, all);
        for (int i = 0; i < 10; i++) Assert.Same(all[1], balancer.Choose(0, 0));
        all[1].SetHealth(false, 0);
        Assert.Same(all[2], balancer.Choose(0, 0));
    }

    [Fact]
    public void An_address_that_fails_again_soon_is_aside_for_longer()
    {
        EndpointState state = Make(1)[0];
        var rule = new OutlierEjection { Failures = 3, EjectFor = TimeSpan.FromSeconds(1) };
        Assert.False(state.Failed(rule));
        Assert.False(state.Failed(rule));
        state.Succeeded();
        Assert.False(state.Failed(rule));
        Assert.False(state.Failed(rule));
        Assert.True(state.Failed(rule));
        state.Eject(rule, 100_000);
        Assert.False(state.IsAvailable(100_999));
        Assert.True(state.IsAvailable(101_000));
        state.Eject(rule, 102_000);
        Assert.False(state.IsAvailable(103_999));
        Assert.True(state.IsAvailable(104_000));
        state.Eject(rule, 200_000);
        Assert.True(state.IsAvailable(201_000));
        Assert.False(state.Failed(rule with { Failures = 0 }));
    }

    [Theory]
    [InlineData(Balance.RoundRobin, 0.12)]
    [InlineData(Balance.RingHash, 0.35)]
    [InlineData(Balance.Maglev, 0.05)]
    public void Weights_are_shares(Balance kind, double tolerance)
    {
        EndpointState[] all = Make(4);
        (all[0].Weight, all[1].Weight, all[2].Weight, all[3].Weight) = (1, 2, 3, 4);
        Dictionary<EndpointState, int> shares = Spread(new Balancer(kind, all), all);
        foreach (EndpointState state in all) Assert.InRange(shares[state], Requests * state.Weight / 10 * (1 - tolerance), Requests * state.Weight / 10 * (1 + tolerance));
    }

    [Theory]
    [InlineData(Balance.LeastRequest)]
    [InlineData(Balance.RandomTwo)]
    public void Under_load_weights_are_shares_of_what_is_under_way(Balance kind)
    {
        EndpointState[] all = Make(4);
        (all[0].Weight, all[1].Weight, all[2].Weight, all[3].Weight) = (1, 2, 3, 4);
        var balancer = new Balancer(kind, all);
        for (int i = 0; i < 1000; i++) balancer.Choose(0, 0).Active++;
        foreach (EndpointState state in all) Assert.InRange(state.Active, 100 * state.Weight * 0.7, 100 * state.Weight * 1.3);
    }

    [Theory]
    [InlineData(Balance.RoundRobin)]
    [InlineData(Balance.LeastRequest)]
    [InlineData(Balance.RandomTwo)]
    public void An_address_that_came_back_gets_its_share_bit_by_bit(Balance kind)
    {
        EndpointState[] all = Make(4);
        foreach (EndpointState state in all) state.SlowStart = new SlowStart { Window = TimeSpan.FromSeconds(10), MinPercent = 5 };
        all[0].SetHealth(false, 0);
        all[0].SetHealth(true, 1_000_000);
        var balancer = new Balancer(kind, all);
        int Share(long nowMs) => Enumerable.Range(0, Requests).Count(_ => balancer.Choose(0, nowMs) == all[0]);
        int cold = Share(1_000_000), half = Share(1_005_000), warm = Share(1_010_000);
        Assert.InRange(cold, 1, Requests * 0.03);
        Assert.InRange(half, cold * 2, warm);
        Assert.InRange(warm, Requests * 0.22, Requests * 0.28);

        // One that was set aside comes back the same way.
        all[1].Eject(new OutlierEjection { EjectFor = TimeSpan.FromSeconds(1) }, 2_000_000);
        Assert.Equal(0.05, all[1].Warmth(2_001_000));
        Assert.Equal(0.5, all[1].Warmth(2_006_000));
        Assert.Equal(1, all[1].Warmth(2_011_000));
    }

    private static Dictionary<EndpointState, int> Spread(Balancer balancer, EndpointState[] all)
    {
        var counts = new Dictionary<EndpointState, int>();
        for (int i = 0; i < Requests; i++)
        {
            EndpointState state = balancer.Choose(Key((ulong)i), 1);
            counts[state] = counts.GetValueOrDefault(state) + 1;
        }

        Assert.All(counts.Keys, s => Assert.Contains(s, all));
        return counts;
    }

    private static ulong Key(ulong number) => Balancer.Hash(BitConverter.GetBytes(number));

    private static EndpointState[] Make(int count) => [.. Enumerable.Range(0, count).Select(i => new EndpointState("s", Endpoint.From(IPAddress.Parse("10.0.0." + i), 80)))];
}
