using ArticDbm.Protocols.Postgres;
using ArticDbm.Proxy.Listeners;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using ArticDbm.Proxy.Sessions;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;

namespace ArticDbm.Proxy.Postgres;

/// <summary>
/// One client of PostgreSQL's protocol, from accept to close. It logs in with us; a server connection is lent to it for as long as the pool's mode says. Its own messages are
/// read one by one, judged, and passed on; the server's are passed on as they come, and only their frames are looked at.
/// </summary>
internal sealed partial class PgSession : DbSession
{
    private readonly PgWriter _reply = new();
    private readonly PgWriter _toServer = new();
    private readonly LoopSignal _settled;
    private StreamInput _input;
    private long _cancelKey;

    public PgSession(DbLoop db, TcpConnection client, DbListener listener)
        : base(db, client, listener) => _settled = new LoopSignal(db.Loop);

    public override ServerConnection? Lent => _server;

    protected override string Application => _wanted.Find("application_name") ?? "";

    /// <summary>Who keeps a connection to itself and does nothing on it may be ended: an account that is taken away must not listen on.</summary>
    protected override bool IsBusy => _server is not null && (_busy || !IsIdle);

    protected override void SayGoodbye(string why)
    {
        _reply.Clear();
        PgMessages.Error(_reply, "FATAL", "57P01", why);
        Client.TrySend(_reply.Written.Span);
    }

    private async ValueTask<bool> SayAsync()
    {
        int sent = _reply.Length == 0 ? 0 : await Client.SendAllAsync(_reply.Written, Db.Settings.StallMs);
        _reply.Clear();
        return sent >= 0;
    }
}
