using MarchProxy.Net.Loop;
using MarchProxy.Net.Timers;

namespace MarchProxy.Net.Tcp;

/// <summary>One connect over several addresses in the pace of RFC 8305 section 5.</summary>
internal sealed class ConnectRace
{
    private readonly EventLoop _loop;
    private readonly ReadOnlyMemory<Endpoint> _endpoints;
    private readonly long _deadline;
    private readonly long _delayMs;
    private readonly List<TcpConnection> _attempts = [];
    private readonly LoopSignal _changed;
    private readonly PaceTimer _pace;
    private TcpConnection? _winner;
    private int _started, _failed, _lastError = -Errno.EHOSTUNREACH;
    private bool _due = true;
    private bool _over;

    public ConnectRace(EventLoop loop, ReadOnlyMemory<Endpoint> endpoints, long timeoutMs, long delayMs)
    {
        _loop = loop;
        _endpoints = endpoints;
        _deadline = timeoutMs > 0 ? loop.NowMs + timeoutMs : long.MaxValue;
        _delayMs = delayMs;
        _changed = new LoopSignal(loop);
        _pace = new PaceTimer(this);
    }

    public async ValueTask<ConnectResult> RunAsync()
    {
        while (_winner is null && _failed < _endpoints.Length)
        {
            if (_started < _endpoints.Length && _due)
            {
                _due = false;
                _loop.Timers.Arm(_pace, _loop.NowMs + _delayMs);
                _ = AttemptAsync(_started++);
                continue;
            }

            long left = _deadline == long.MaxValue ? 0 : _deadline - _loop.NowMs;
            bool late = _deadline != long.MaxValue && left <= 0;
            int result = late ? -Errno.ETIMEDOUT : await _changed.WaitAsync(left);
            if (result == -Errno.ETIMEDOUT)
            {
                _lastError = result;
                break;
            }
        }

        _over = true;
        _loop.Timers.Remove(_pace);
        foreach (TcpConnection attempt in _attempts.ToArray())
        {
            if (attempt != _winner) attempt.Close();
        }

        return _winner is null ? new ConnectResult(null, _lastError) : new ConnectResult(_winner, 0);
    }

    private async ValueTask AttemptAsync(int index)
    {
        ConnectResult begun = TcpConnector.Begin(_loop, _endpoints.Span[index]);
        int result = begun.Error;
        TcpConnection? connection = begun.Connection;
        if (connection is not null)
        {
            _attempts.Add(connection);
            if (result != 0) result = await connection.WritableAsync(0);
            if (result == 0) result = -connection.TakeSocketError();
        }

        if (_over || (result == 0 && _winner is not null))
        {
            connection?.Close();
            return;
        }

        if (result == 0)
        {
            _winner = connection;
        }
        else
        {
            connection?.Close();
            _failed++;
            _lastError = result;

            // The latest attempt has failed, so the next need not wait for its turn.
            if (index == _started - 1) _due = true;
        }

        _changed.Complete(0);
    }

    private sealed class PaceTimer(ConnectRace race) : TimerNode
    {
        protected internal override void OnExpired()
        {
            race._due = true;
            race._changed.Complete(0);
        }
    }
}
