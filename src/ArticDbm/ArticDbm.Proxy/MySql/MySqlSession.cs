using ArticDbm.Protocols.MySql;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.MySql;

/// <summary>
/// One client of MySQL's protocol, from accept to close. It logs in with us; a server connection is lent to it for as long as the pool's mode says. A command is read whole, judged, sent,
/// and its answer passed on, of which only the frames are looked at; then comes the next.
/// </summary>
internal sealed partial class MySqlSession(DbLoop db, TcpConnection client, DbListener listener) : DbSession(db, client, listener)
{
    private readonly MySqlWriter _reply = new();
    private readonly MySqlWriter _toServer = new();
    private StreamInput _input;
    private MySqlCapabilities _capabilities;
    private uint _id;

    /// <inheritdoc/>
    public override ServerConnection? Lent => _server;

    protected override bool IsBusy => _server is not null || _commanded;

    private bool DeprecatesEof => (_capabilities & MySqlCapabilities.DeprecateEof) != 0;

    private bool Tracks => (_capabilities & MySqlCapabilities.SessionTrack) != 0;

    protected override void SayGoodbye(string why)
    {
        _reply.Clear();
        MySqlMessages.Error(_reply, 0, MySqlErrors.Shutdown, "08S01", why);
        Client.TrySend(_reply.Written.Span);
    }

    private async ValueTask<bool> SayAsync()
    {
        int sent = _reply.Length == 0 ? 0 : await Client.SendAllAsync(_reply.Written, Db.Settings.StallMs);
        _reply.Clear();
        return sent >= 0;
    }

    private ValueTask<bool> SayOkAsync()
    {
        MySqlMessages.Ok(_reply, 1, Status);
        return SayAsync();
    }

    private ValueTask<bool> SayErrorAsync(ushort code, string sqlState, string message)
    {
        MySqlMessages.Error(_reply, 1, code, sqlState, message);
        return SayAsync();
    }
}
