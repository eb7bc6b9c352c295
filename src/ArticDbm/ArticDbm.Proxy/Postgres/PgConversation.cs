using ArticDbm.Protocols.Postgres;
using MarchProxy.Net;

namespace ArticDbm.Proxy.Postgres;

/// <summary>Questions of our own to a server: messages to and fro, one at a time, until a deadline.</summary>
internal sealed class PgConversation(PgServer server, long deadline)
{
    /// <summary>What servers answer to us is short; one that sends more is none.</summary>
    private const int MaxMessage = 64 << 10;

    public PgServer Server => server;

    public PgWriter Out { get; } = new(MaxMessage);

    /// <summary>The message that <see cref="ReadAsync"/> has read.</summary>
    public PgFrame Frame { get; private set; }

    public ReadOnlySpan<byte> Body => server.Input.Pending[PgFrame.HeaderLength..Frame.Length];

    public void Take() => server.Input.Consume(Frame.Length);

    /// <summary>Sends what was written.</summary>
    /// <returns>What went wrong, or null.</returns>
    public async ValueTask<string?> SendAsync()
    {
        int sent = await server.Connection.SendAllAsync(Out.Written, Math.Max(1, deadline - server.Connection.Loop.NowMs));
        Out.Clear();
        return sent < 0 ? "it went away: " + Errno.Name(sent) : null;
    }

    /// <summary>Waits for a whole message.</summary>
    /// <returns>What went wrong, or null.</returns>
    public async ValueTask<string?> ReadAsync()
    {
        while (true)
        {
            FrameStatus status = PgFrame.TryRead(server.Input.Pending, out PgFrame frame);
            if (status == FrameStatus.Malformed || frame.Length > MaxMessage) return "it is no PostgreSQL server";
            if (status == FrameStatus.Ok && server.Input.Length >= frame.Length)
            {
                Frame = frame;
                return null;
            }

            if (await server.FillAsync(deadline) is { } fault) return fault;
        }
    }

    /// <summary>Runs statements of ours, and takes note of what the server tells of itself meanwhile.</summary>
    /// <param name="sql">The statements.</param>
    /// <returns>What went wrong, or the DataRow that came last, if one did.</returns>
    public async ValueTask<(string? Fault, byte[]? Row)> AskAsync(string sql)
    {
        PgMessages.Query(Out, sql);
        if (await SendAsync() is { } unsent) return (unsent, null);
        string? fault = null;
        byte[]? row = null;
        while (true)
        {
            if (await ReadAsync() is { } lost) return (lost, null);
            byte type = Frame.Type;
            if (type == BackendMessage.ErrorResponse) fault = PgError.Read(Body).Message;
            else if (type == BackendMessage.ParameterStatus) PgLogin.Parameter(server, Body);
            else if (type == (byte)'D') row = Body.ToArray();
            else if (type == BackendMessage.ReadyForQuery) server.Status = Body[0];
            Take();
            if (type == BackendMessage.ReadyForQuery) return (fault, row);
        }
    }
}
