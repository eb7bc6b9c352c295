using System.Text;
using ArticDbm.Proxy.Config;
using ArticDbm.Proxy.Health;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Postgres;
using MarchProxy.Model.Resources;

namespace ArticDbm.Proxy.Tests.Health;

public sealed class ElectionTests
{
    private static readonly ServerStanding s_primary = new(true, TimeSpan.Zero), s_replica = new(false, TimeSpan.Zero);

    [Fact]
    public void Writes_move_when_the_primary_is_down_and_another_says_that_it_is_one()
    {
        DbTarget target = Make();
        (ServerShare a, ServerShare b, ServerShare c) = (target.Servers[0], target.Servers[1], target.Servers[2]);
        Assert.Same(a, target.Primary);
        Answer(a, s_primary);
        Answer(b, s_replica);
        Answer(c, s_replica);
        Assert.Null(target.Elect());

        // One lost answer is no loss of the server; nobody is put in its place before one says that it is the primary.
        Assert.False(a.Health.Failed());
        Assert.Null(target.Elect());
        Assert.True(a.Health.Failed());
        Assert.Null(target.Elect());
        Answer(c, s_primary);
        Assert.Same(c, target.Elect());
        Assert.Same(c, target.Primary);

        // The old one comes back and believes itself the primary: it gets nothing by that.
        Answer(a, s_primary);
        Assert.True(a.Health.IsUp);
        Assert.Null(target.Elect());
        Assert.Same(c, target.Primary);
    }

    [Fact]
    public void A_primary_that_became_a_standby_gives_its_place_up_while_it_is_up()
    {
        DbTarget target = Make();
        Answer(target.Servers[0], s_replica);
        Answer(target.Servers[1], s_primary);
        Assert.Same(target.Servers[1], target.Elect());
        Assert.Contains(target.Servers[0], Enumerable.Range(0, 100).Select(_ => target.ChooseReader()));
    }

    [Fact]
    public void An_edit_leaves_the_place_to_who_has_it()
    {
        DbTarget target = Make();
        Answer(target.Servers[0], s_replica);
        Answer(target.Servers[1], s_primary);
        target.Elect();
        Assert.Equal("b:5432", new DbTarget(target.Database with { ReadWriteSplit = false }, 1, TimeProvider.System, target).Primary.Label);
    }

    [Fact]
    public void Reads_avoid_who_is_down_or_far_behind_and_follow_the_weights()
    {
        DbTarget target = Make();
        (ServerShare a, ServerShare b, ServerShare c) = (target.Servers[0], target.Servers[1], target.Servers[2]);
        ServerShare[] chosen = [.. Enumerable.Range(0, 2_000).Select(_ => target.ChooseReader())];
        Assert.DoesNotContain(a, chosen);
        Assert.InRange(chosen.Count(s => s == c), 1_300, 1_700);
        Answer(c, s_replica with { Lag = TimeSpan.FromSeconds(11) });
        Assert.All(Enumerable.Range(0, 100), _ => Assert.Same(b, target.ChooseReader()));
        b.Health.Failed();
        b.Health.Failed();
        Assert.Same(a, target.ChooseReader());
        Answer(c, s_replica with { Lag = null });
        Assert.Same(a, target.ChooseReader());
        Answer(c, s_replica);
        Assert.Same(c, target.ChooseReader());
        Answer(c, s_replica with { Serves = false });
        Answer(c, s_replica with { Serves = false });
        Assert.Same(a, target.ChooseReader());
    }

    [Theory]
    [InlineData("t", "2.5", false, 2.5)]
    [InlineData("f", "0", true, 0.0)]
    [InlineData("t", null, false, null)]
    public void What_PostgreSQL_says_is_read(string recovering, string? lag, bool primary, double? seconds)
    {
        byte[] row = [0, 2, .. Field(recovering), .. Field(lag)];
        Assert.Equal(new ServerStanding(primary, seconds is { } s ? TimeSpan.FromSeconds(s) : null), PgStanding.Read(row));
        for (int cut = 0; cut < row.Length; cut++) Assert.Null(PgStanding.Read(row.AsSpan(0, cut)));
    }

    private static byte[] Field(string? text) => text is null ? [255, 255, 255, 255] : [0, 0, 0, (byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static void Answer(ServerShare server, ServerStanding standing)
    {
        server.Health.Answered(standing);
        server.Health.Answered(standing);
    }

    private static DbTarget Make() => new(
        new Database
        {
            Name = "shop",
            ReadWriteSplit = true,
            Servers = [Server("a", DbServerRole.Primary, 100), Server("b", DbServerRole.Replica, 100), Server("c", DbServerRole.Replica, 300)],
        },
        1,
        TimeProvider.System);

    private static DbServer Server(string host, DbServerRole role, int weight) => new() { Host = host, Port = 5432, Role = role, Weight = weight };
}
