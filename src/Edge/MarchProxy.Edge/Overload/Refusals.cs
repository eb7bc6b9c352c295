using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Overload;

/// <summary>Refuses what comes on top, cheaply: 503 with Retry-After where HTTP is spoken in clear, else a plain close.</summary>
internal sealed class Refusals(EdgeLoop edge, OverloadWatch watch)
{
    public const string Connections = "connections", Addresses = "connections-of-one-address", Requests = "requests", Memory = "buffer-memory", Descriptors = "descriptors", Connects = "pending-connects";

    /// <summary>Refused clients that are waited for until they have read the answer; the others are just closed, and may see a reset.</summary>
    private const int MaxLingering = 128;

    /// <summary>For a client to send its request and read the answer: longer would let refusals pile up.</summary>
    private const long LingerMs = 500;
    private readonly OutBuffer _answer = new(GC.AllocateUninitializedArray<byte>(1024, pinned: true), 16 << 10);
    private int _lingering;

    /// <summary>Counts a refusal.</summary>
    public void Note(string what)
    {
        edge.Metrics.Shed(what);
        watch.Note(what);
    }

    /// <summary>Refuses a fresh connection.</summary>
    public void Connection(TcpConnection client, ActiveListener listener, string what)
    {
        Note(what);
        bool http = listener.Purpose is ListenerPurpose.Ingress or ListenerPurpose.ForwardProxy && listener.Tls is null && !listener.Resource.ProxyProtocol;
        if (http) Answer(client);
        else client.Close();
    }

    /// <summary>Answers a request that was not looked at, and ends its connection.</summary>
    public void Request(TcpConnection client, string what)
    {
        Note(what);
        Answer(client);
    }

    private void Answer(TcpConnection client)
    {
        _answer.Clear();
        bool written = ErrorResponses.TryWrite(_answer, LocalAnswers.Overload, edge.Date);
        if (!written || _lingering >= MaxLingering || client.TrySend(_answer.Written) != _answer.Length) client.Close();
        else _ = LingerAsync(client);
    }

    private async Task LingerAsync(TcpConnection client)
    {
        _lingering++;
        try
        {
            await client.LingerAndCloseAsync(LingerMs, 64 << 10);
        }
        catch (Exception e)
        {
            edge.ReportDefect(e);
        }
        finally
        {
            _lingering--;
        }
    }
}
