using System.Net;
using System.Text;
using MarchProxy.Edge.Http1;
using MarchProxy.Tests;

namespace MarchProxy.Edge.Tests.Http1;

public class AllocationTests
{
    [Fact]
    public void Steady_state_allocates_nothing()
    {
        byte[] request = Encoding.ASCII.GetBytes(
            "POST http://a/x?y HTTP/1.1\r\nHost: a\r\nConnection: X-One, keep-alive\r\nX-One: 1\r\nTE: trailers\r\nX-Forwarded-For: 1.1.1.1\r\n"
            + "Cookie: c\r\nX-Gone: 1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
        byte[] response = "HTTP/1.0 200 OK\r\nServer: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"u8.ToArray();
        byte[] chunks = "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n"u8.ToArray();
        var requestHead = new RequestHead();
        var responseHead = new ResponseHead();
        var output = new OutBuffer(new byte[32 * 1024], 32 * 1024);
        HeaderChanges changes = HeaderChanges.Compile([new(HeaderAction.Set, "X-New", "1"), new(HeaderAction.Remove, "X-Gone")]);
        var requestRewrite = new RequestRewrite(ForwardedPolicy.Ingress, changes, "/x", "/z");
        var responseRewrite = new ResponseRewrite(true, changes);
        var peer = new PeerAddress();
        peer.Set(IPAddress.IPv6Loopback);
        var clock = new ManualTimeProvider();
        var date = new HttpDate(clock.GetUtcNow());

        void Once()
        {
            requestHead.Reset();
            Assert.True(HeadParser.ParseRequest(request, requestHead, HeadLimits.Default, out _) == ParseStatus.Ok);
            ViaField.CountOwn(requestHead, request);
            HeadWriter.WriteRequest(output, requestHead, request, requestRewrite, new RequestHop(peer, true, false));
            responseHead.Reset();
            Assert.True(HeadParser.ParseResponse(response, responseHead, HeadLimits.Default, out _) == ParseStatus.Ok);
            responseHead.SetFraming(requestHead.Method);
            HeadWriter.WriteResponse(output, responseHead, response, responseRewrite, new ResponseHop(ConnectionOption.Close, ResponseFraming.AsReceived), date);
            var decoder = default(ChunkDecoder);
            Assert.True(decoder.Advance(chunks, out _) == ChunkStatus.End);
            ErrorResponses.TryWrite(output, LocalResponse.ForClient(HttpError.HostMismatch), date);
            date.Refresh(clock.GetUtcNow());
            output.Clear();
        }

        for (int i = 0; i < 200; i++) Once();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) Once();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
