using System.Net;
using System.Net.Sockets;
using MarchProxy.Net.Handover;

namespace MarchProxy.Net.Tests.Handover;

/// <summary>Descriptors cross a Unix socket and are the same sockets on the other side, in order, however many.</summary>
public sealed class DescriptorPassingTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("marchproxy-test-");
    private readonly Socket _near, _far;

    public DescriptorPassingTests()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = new UnixDomainSocketEndPoint(Path.Combine(_folder.FullName, "s"));
        listener.Bind(path);
        listener.Listen();
        _near = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _near.Connect(path);
        _far = listener.Accept();
        _near.ReceiveTimeout = _far.ReceiveTimeout = 20_000;
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(200)]
    [InlineData(201)]
    [InlineData(450)]
    public void They_arrive_in_order(int count)
    {
        Socket[] sockets = [.. Enumerable.Range(0, count).Select(_ => Bound())];
        try
        {
            DescriptorPassing.Send(_near, [.. sockets.Select(s => (int)s.Handle)]);
            Socket[] received = [.. DescriptorPassing.Receive(_far, count).Select(d => new Socket(new SafeSocketHandle(d, ownsHandle: true)))];
            Assert.Equal(sockets.Select(s => s.LocalEndPoint), received.Select(s => s.LocalEndPoint));
            foreach (Socket socket in received) socket.Dispose();
        }
        finally
        {
            foreach (Socket socket in sockets) socket.Dispose();
        }
    }

    [Fact]
    public void None_need_no_message()
    {
        DescriptorPassing.Send(_near, []);
        Assert.Empty(DescriptorPassing.Receive(_far, 0));
        Assert.Equal(0, _far.Available);
    }

    [Fact]
    public void A_peer_that_ends_or_sends_something_else_is_an_error()
    {
        _near.Send([1]);
        Assert.Throws<IOException>(() => DescriptorPassing.Receive(_far, 1));
        _near.Shutdown(SocketShutdown.Both);
        Assert.Throws<IOException>(() => DescriptorPassing.Receive(_far, 1));
    }

    [Fact]
    public void Inherited_sockets_are_taken_once_and_the_rest_is_closed()
    {
        using Socket one = Bound(), two = Bound();
        DescriptorPassing.Send(_near, [(int)one.Handle, (int)two.Handle]);
        int[] received = DescriptorPassing.Receive(_far, 2);
        var inherited = new InheritedSockets();
        string key = InheritedSockets.Key("tcp", Endpoint.From(IPAddress.Loopback, 80), "web"), chosen = InheritedSockets.Key("tcp", Endpoint.From(IPAddress.Loopback, 0), "web");
        Assert.Equal("tcp 127.0.0.1:80", key);
        Assert.Equal("tcp 127.0.0.1:0 web", chosen);
        inherited.Add(key, received[0]);
        inherited.Add(chosen, received[1]);
        using var taken = new Socket(new SafeSocketHandle(Assert.Single(inherited.Take(key)), ownsHandle: true));
        Assert.Empty(inherited.Take(key));
        inherited.Dispose();
        Assert.Equal(one.LocalEndPoint, taken.LocalEndPoint);
        Assert.Empty(inherited.Take(chosen));
    }

    private static Socket Bound()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
