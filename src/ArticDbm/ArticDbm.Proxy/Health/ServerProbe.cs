using ArticDbm.Proxy.Engines;
using ArticDbm.Proxy.Loops;
using ArticDbm.Proxy.Pools;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Loop;

namespace ArticDbm.Proxy.Health;

/// <summary>Asks one server, again and again, over one connection of its own that no limit counts: a pool that is exhausted must not look like a server that is down.</summary>
internal sealed class ServerProbe(DbLoop db, ServerShare share, Action<ServerShare, string?> onChange)
{
    private readonly IDbEngine _engine = DbEngineList.Find(share.Target.Database.Engine)!;
    private readonly DbHealth _settings = share.Target.Database.Health;
    private readonly LoopSignal _pause = new(db.Loop);
    private ServerConnection? _connection;
    private bool _stopped;

    public void Start() => _ = RunAsync();

    public void Stop()
    {
        _stopped = true;
        _connection?.Close();
        _pause.Complete(0);
    }

    private async Task RunAsync()
    {
        try
        {
            while (!_stopped)
            {
                (ServerStanding? standing, string? fault) = await AskAsync();
                if (_stopped) break;
                if (standing is null ? share.Health.Failed() : share.Health.Answered(standing)) onChange(share, fault);
                await _pause.WaitAsync(Math.Max(1, (long)_settings.Interval.TotalMilliseconds));
            }
        }
        catch (Exception e)
        {
            db.ReportDefect(e);
        }
        finally
        {
            _connection?.Close();
        }
    }

    private async ValueTask<(ServerStanding? Standing, string? Fault)> AskAsync()
    {
        long deadline = db.Loop.NowMs + (long)_settings.Timeout.TotalMilliseconds;
        if (_connection is { IsUsable: false } lost)
        {
            lost.Close();
            _connection = null;
        }

        if (_connection is null)
        {
            ServerResult opened = await _engine.OpenAsync(db, db.Pool(share));
            if (opened.Connection is null) return (null, opened.Fault);
            _connection = opened.Connection;
        }

        if (_stopped) return (null, null);
        ServerStanding? standing = await _engine.AskStandingAsync(_connection, Math.Max(deadline, db.Loop.NowMs + 1));
        if (standing is { Serves: true }) return (standing, null);
        string fault = standing is null ? $"{share.Label} does not answer what it is" : $"{share.Label} says that it cannot serve";
        if (standing is not null) return (standing, fault);
        _connection.Close();
        _connection = null;
        return (null, fault);
    }
}
