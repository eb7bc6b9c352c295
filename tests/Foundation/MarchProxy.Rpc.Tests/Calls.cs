using Google.Protobuf;
using MarchProxy.Rpc.Client;

namespace MarchProxy.Rpc.Tests;

/// <summary>Calls that every server must answer the same way, ours or a foreign one.</summary>
internal static class Calls
{
    public static async Task AllKindsAsync(RpcChannel channel)
    {
        var say = new Say { Text = "hé", Number = 5 };
        Assert.Equal(say, await channel.UnaryAsync(EchoService.Unary, say));
        var metadata = new Dictionary<string, string> { ["suffix"] = "!", ["raw-bin"] = Convert.ToBase64String([0, 255, 1]) };
        Assert.Equal(new Say { Text = "hé!", Number = 8 }, await channel.UnaryAsync(EchoService.Unary, say, new RpcCallOptions { Metadata = metadata }));
        var big = new Say { Blob = ByteString.CopyFrom(new byte[3 << 20]) };
        Assert.Equal(big, await channel.UnaryAsync(EchoService.Unary, big));
        Assert.Equal(big, await channel.UnaryAsync(EchoService.Unary, big, new RpcCallOptions { Gzip = true }));

        RpcException fail = await Assert.ThrowsAsync<RpcException>(() => channel.UnaryAsync(EchoService.Unary, new Say { Text = "fail" }));
        Assert.Equal(new RpcStatus(RpcCode.FailedPrecondition, "nicht möglich: 100%"), fail.Status);
        Assert.Equal("because", fail.Trailers["why"]);
        RpcException slow = await Assert.ThrowsAsync<RpcException>(() => channel.UnaryAsync(EchoService.Unary, new Say { Text = "slow" }, new RpcCallOptions { Deadline = TimeSpan.FromMilliseconds(200) }));
        Assert.Equal(RpcCode.DeadlineExceeded, slow.Status.Code);
        RpcException none = await Assert.ThrowsAsync<RpcException>(() => channel.UnaryAsync(EchoService.None, new Say()));
        Assert.Equal(RpcCode.Unimplemented, none.Status.Code);
        using var cancel = new CancellationTokenSource();
        Task<Say> waiting = channel.UnaryAsync(EchoService.Unary, new Say { Text = "slow" }, null, cancel.Token);
        await cancel.CancelAsync();
        Assert.Equal(RpcCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => waiting)).Status.Code);

        var numbers = new List<int>();
        await foreach (Say one in channel.ServerStreamAsync(EchoService.Many, new Say { Number = 1000, Text = "x" })) numbers.Add(one.Number);
        Assert.Equal(Enumerable.Range(0, 1000), numbers);

        await using (RpcCall<Say, Say> sum = channel.Call(EchoService.Sum))
        {
            for (int i = 0; i < 1000; i++) await sum.WriteAsync(new Say { Number = i });
            await sum.CompleteAsync();
            Assert.Equal(499_500, (await sum.ReadAsync())!.Number);
            Assert.Null(await sum.ReadAsync());
        }

        await using RpcCall<Say, Say> chat = channel.Call(EchoService.Chat);
        for (int i = 0; i < 50; i++)
        {
            await chat.WriteAsync(new Say { Text = "m" + i });
            Assert.Equal("re: m" + i, (await chat.ReadAsync())!.Text);
        }

        await chat.CompleteAsync();
        Assert.Null(await chat.ReadAsync());
    }
}
