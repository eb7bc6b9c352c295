using System.Diagnostics;
using MarchProxy.Edge.Access;
using MarchProxy.Edge.Listeners;
using MarchProxy.Edge.Loops;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Tcp;

/// <summary>A connection that becomes one stream to one destination, with one line in the log.</summary>
internal abstract class StreamSession(EdgeLoop edge, TcpConnection client, ActiveListener listener, string kind) : IEdgeSession
{
    IEdgeSession? ISessionNode<IEdgeSession>.Next { get; set; }

    IEdgeSession? ISessionNode<IEdgeSession>.Previous { get; set; }

    protected EdgeLoop Edge => edge;

    protected TcpConnection Client => client;

    protected ActiveListener Listener => listener;

    protected AccessRecord Record { get; } = new();

    /// <summary>Takes a fresh connection over.</summary>
    public static void Start(StreamSession session) => session.Begin();

    /// <summary>A stream has no place at which it could be ended without loss: it is left alone until the deadline.</summary>
    public void Drain()
    {
    }

    public void Kill() => client.Abort();

    /// <summary>Serves the connection to its end.</summary>
    /// <returns>Whether another session has the connection now.</returns>
    protected abstract ValueTask<bool> ServeAsync();

    private void Begin()
    {
        edge.Sessions.Add(this);
        _ = RunAsync();
    }

    private async Task RunAsync()
    {
        Record.Begin(listener.Name, client.Remote);
        Record.Kind = kind;
        bool handedOver = false;
        try
        {
            handedOver = await ServeAsync();
        }
        catch (Exception e)
        {
            edge.ReportDefect(e);
        }
        finally
        {
            if (!handedOver)
            {
                client.Close();
                Record.Ended = Stopwatch.GetTimestamp();
                edge.Finish(Record);
            }

            edge.Sessions.Remove(this);
        }
    }
}
