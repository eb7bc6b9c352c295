using MarchProxy.Net.Timers;

namespace MarchProxy.Net.Tests.Timers;

public sealed class TimerWheelTests
{
    private const int Tick = TimerWheel.TickMs;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(1000)]
    [InlineData(32_767)]
    [InlineData(32_768)]
    [InlineData(33_000)]
    [InlineData(100_001)]
    [InlineData(3_600_000)]
    public void Fires_once_never_early_and_at_most_a_tick_late(long delay)
    {
        const long Start = 5_000;
        var wheel = new TimerWheel(Start);
        long firedAt = -1, now = Start;
        int fired = 0;
        wheel.Arm(new Node(() =>
        {
            fired++;
            firedAt = now;
        }), Start + delay);
        for (; now <= Start + delay + (3 * Tick); now++) wheel.Advance(now);
        Assert.Equal(1, fired);
        Assert.InRange(firedAt, Start + delay, Start + delay + Tick);
        Assert.Equal(0, wheel.Count);
    }

    [Fact]
    public void A_deadline_moved_later_fires_at_the_later_time_only()
    {
        var wheel = new TimerWheel(0);
        int fired = 0;
        var node = new Node(() => fired++);
        wheel.Arm(node, 100);
        wheel.Arm(node, 500);
        wheel.Advance(499);
        Assert.Equal(0, fired);
        wheel.Advance(512);
        Assert.Equal(1, fired);
    }

    [Fact]
    public void A_deadline_moved_earlier_fires_at_the_earlier_time_only()
    {
        var wheel = new TimerWheel(0);
        int fired = 0;
        var node = new Node(() => fired++);
        wheel.Arm(node, 50_000);
        wheel.Arm(node, 100);
        wheel.Advance(112);
        Assert.Equal(1, fired);
        wheel.Advance(60_000);
        Assert.Equal(1, fired);
    }

    [Fact]
    public void A_deadline_that_passed_long_ago_fires_at_the_next_tick()
    {
        var wheel = new TimerWheel(1_000_000);
        int fired = 0;
        wheel.Arm(new Node(() => fired++), 3);
        Assert.True(wheel.Advance(1_000_000 + Tick));
        Assert.Equal(1, fired);
    }

    [Fact]
    public void A_long_stall_fires_everything_due_and_keeps_the_rest()
    {
        var wheel = new TimerWheel(0);
        var fired = new List<int>();
        for (int i = 1; i <= 200; i++)
        {
            int number = i;
            wheel.Arm(new Node(() => fired.Add(number)), i * 1000);
        }

        wheel.Advance(100_500);
        Assert.Equal(Enumerable.Range(1, 100), fired.Order());
        wheel.Advance(200_016);
        Assert.Equal(Enumerable.Range(1, 200), fired.Order());
    }

    [Fact]
    public void An_idle_wheel_that_jumps_ahead_keeps_exact_time_for_what_is_armed_before_it_advances()
    {
        var wheel = new TimerWheel(0);
        const long Later = 10_000_000;
        int fired = 0;
        wheel.Arm(new Node(() => fired++), Later + 100);
        wheel.Advance(Later);
        Assert.Equal(0, fired);
        wheel.Advance(Later + 99);
        Assert.Equal(0, fired);
        wheel.Advance(Later + 116);
        Assert.Equal(1, fired);
    }

    [Fact]
    public void Expiry_code_may_arm_itself_again()
    {
        var wheel = new TimerWheel(0);
        var times = new List<long>();
        long now = 0;
        Node? node = null;
        node = new Node(() =>
        {
            times.Add(now);
            wheel.Arm(node!, now + 160);
        });
        wheel.Arm(node, 160);
        for (now = 0; now < 1000; now += Tick) wheel.Advance(now);
        Assert.Equal([176, 352, 528, 704, 880], times);
    }

    [Fact]
    public void Expiry_code_may_remove_delay_and_hasten_others_of_the_same_slot()
    {
        var wheel = new TimerWheel(0);
        var fired = new List<string>();
        var removed = new Node(() => fired.Add("removed"));
        var delayed = new Node(() => fired.Add("delayed"));
        var lazy = new Node(() => fired.Add("lazy"));
        wheel.Arm(removed, 100);
        wheel.Arm(delayed, 100);
        wheel.Arm(lazy, 100);
        wheel.Arm(lazy, 90_000);
        wheel.Arm(new Node(() =>
        {
            fired.Add("first");
            wheel.Remove(removed);
            wheel.Arm(delayed, 400);
            wheel.Arm(lazy, 112);
        }), 100);
        wheel.Advance(112);
        Assert.Equal(["first", "lazy"], fired);
        wheel.Advance(416);
        Assert.Equal(["first", "lazy", "delayed"], fired);
        wheel.Advance(200_000);
        Assert.Equal(3, fired.Count);
        Assert.Equal(0, wheel.Count);
    }

    [Fact]
    public void A_disarmed_node_never_fires_and_leaves_its_slot()
    {
        var wheel = new TimerWheel(0);
        var node = new Node(() => Assert.Fail("disarmed"));
        wheel.Arm(node, 100);
        node.Disarm();
        wheel.Advance(1_000);
        Assert.Equal(0, wheel.Count);
    }

    [Fact]
    public void An_expiry_that_throws_costs_its_neighbours_nothing()
    {
        var wheel = new TimerWheel(0);
        int fired = 0;
        wheel.Arm(new Node(() => fired++), 100);
        wheel.Arm(new Node(() => throw new InvalidOperationException()), 100);
        var rearmed = new Node(() => fired++);
        wheel.Arm(rearmed, 100);
        wheel.Arm(new Node(() => fired++), 100);
        Assert.Throws<InvalidOperationException>(() => wheel.Advance(112));
        wheel.Advance(112);
        Assert.Equal(3, fired);
        Assert.Equal(0, wheel.Count);
        wheel.Arm(rearmed, 200);
        wheel.Advance(208);
        Assert.Equal(4, fired);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Ten_thousand_random_operations_agree_with_a_naive_model(int seed)
    {
        var random = new Random(seed);
        long now = random.Next(1_000_000);
        var wheel = new TimerWheel(now);
        var model = new Dictionary<int, (long Deadline, long Armed)>();
        var fired = new HashSet<int>();
        Node[] nodes = [.. Enumerable.Range(0, 60).Select(i => new Node(() => Assert.True(fired.Add(i), "fired twice")))];
        for (int step = 0; step < 10_000; step++)
        {
            int i = random.Next(nodes.Length);
            switch (random.Next(10))
            {
                case < 5:
                    long deadline = now + random.Next(random.Next(4) switch { 0 => 5, 1 => 100, 2 => 5_000, _ => 200_000 }) - 3;
                    wheel.Arm(nodes[i], deadline);
                    model[i] = (deadline, now);
                    break;
                case 5:
                    nodes[i].Disarm();
                    model.Remove(i);
                    break;
                case 6:
                    wheel.Remove(nodes[i]);
                    model.Remove(i);
                    break;
                default:
                    now += random.Next(random.Next(20) switch { 0 => 100_000, < 4 => 2_000, _ => 40 });
                    fired.Clear();
                    wheel.Advance(now);
                    foreach (int f in fired)
                    {
                        Assert.True(model.Remove(f, out var expected), "fired though not armed");
                        Assert.True(expected.Deadline <= now, "fired early");
                    }

                    foreach (var (_, (due, armed)) in model)
                    {
                        long latest = Math.Max((armed / Tick) + 1, (due / Tick) + 1) * Tick;
                        Assert.True(latest > now, $"due at {due}, armed at {armed}, not fired by {now}");
                    }

                    break;
            }
        }
    }

    private sealed class Node(Action expired) : TimerNode
    {
        protected internal override void OnExpired() => expired();
    }
}
