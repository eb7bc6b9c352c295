using System.Net.Sockets;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Udp;

namespace MarchProxy.Net.Tests.Loop;

public sealed class StopTests
{
    [Fact]
    public async Task Stopping_closes_listeners_and_connections_also_those_never_waited_on()
    {
        await OpenAndStopAsync();
        int before = LoopTest.OpenDescriptors();
        await OpenAndStopAsync();
        Assert.Equal(before, LoopTest.OpenDescriptors());
    }

    [Fact]
    public void A_loop_that_never_started_closes_what_was_opened_on_it()
    {
        int before = LoopTest.OpenDescriptors();
        using (var loop = new EventLoop(0))
        {
            TcpListener.Open(loop, LoopTest.Loopback, c => c.Close());
            UdpSocket.Bind(loop, LoopTest.Loopback);
            Assert.Equal(before + 5, LoopTest.OpenDescriptors());
        }

        Assert.Equal(before, LoopTest.OpenDescriptors());
    }

    [Fact]
    public async Task Stopping_tells_those_who_wait_and_lets_them_begin_nothing_new()
    {
        int afterwards = 0, waited = 0;
        using (var loop = new EventLoop(0))
        {
            loop.Start();
            var ready = new TaskCompletionSource();
            loop.Post(async void () =>
            {
                var (client, _) = await LoopTest.PairAsync(loop);
                ValueTask<int> read = client.ReadableAsync(0);
                ready.SetResult();
                waited = await read;
                afterwards = (await TcpConnector.ConnectAsync(loop, LoopTest.Parse("127.0.0.1:9"), 1000)).Error;
            });
            await ready.Task.WaitAsync(LoopTest.Patience);
        }

        Assert.Equal(-Errno.ECANCELED, waited);
        Assert.Equal(-Errno.ECANCELED, afterwards);
    }

    [Fact]
    public async Task What_was_posted_before_the_end_runs_and_later_calls_fail_instead_of_hanging()
    {
        for (int i = 0; i < 200; i++)
        {
            var loop = new EventLoop(0);
            loop.Start();
            Task<int> racing = Task.Run(() => loop.InvokeAsync(() => 1));
            loop.Dispose();
            try
            {
                Assert.Equal(1, await racing.WaitAsync(LoopTest.Patience));
            }
            catch (ObjectDisposedException)
            {
                // The call came too late.
            }

            await Assert.ThrowsAsync<ObjectDisposedException>(() => loop.InvokeAsync(() => 1).WaitAsync(LoopTest.Patience));
        }
    }

    [Fact]
    public void A_post_to_a_loop_that_has_ended_writes_to_nobody_elses_descriptor()
    {
        var loop = new EventLoop(0);
        loop.Start();
        loop.Dispose();

        // The lowest free numbers are the loop's old ones: these take them.
        var files = Enumerable.Range(0, 4).Select(_ => new FileStream(Path.GetTempFileName(), FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose)).ToList();
        loop.Post(() => { });
        Assert.All(files, f => Assert.Equal(0, f.Length));
        files.ForEach(f => f.Dispose());
    }

    [Fact]
    public async Task A_group_runs_on_every_loop_and_stops_from_one_of_its_own_too()
    {
        var group = new LoopGroup(3);
        group.Start();
        var seen = new int[3];
        await group.ForEachAsync(loop => seen[loop.Id]++).WaitAsync(LoopTest.Patience);
        Assert.Equal([1, 1, 1], seen);
        Assert.Equal(3, Enumerable.Range(0, 3).Select(_ => group.Next().Id).Distinct().Count());
        await group.Loops[0].InvokeAsync(() =>
        {
            group.Dispose();
            return true;
        }).WaitAsync(LoopTest.Patience);
    }

    private static async Task OpenAndStopAsync()
    {
        var peers = new List<Socket>();
        using (var group = new LoopGroup(2))
        {
            group.Start();
            var accepted = new SemaphoreSlim(0);
            TcpListener listener = await group.Loops[0].InvokeAsync(() =>
                TcpListener.Open(group.Loops[0], LoopTest.Loopback, c => accepted.Release()));
            for (int i = 0; i < 10; i++)
            {
                var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                peer.Connect(listener.Local.Address!, listener.Local.Port);
                peers.Add(peer);
                Assert.True(await accepted.WaitAsync(LoopTest.Patience));
            }

            await group.Loops[1].InvokeAsync(() => UdpSocket.Bind(group.Loops[1], LoopTest.Loopback));
        }

        peers.ForEach(p => p.Dispose());
    }
}
