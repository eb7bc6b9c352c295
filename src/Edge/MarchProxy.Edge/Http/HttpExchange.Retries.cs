using MarchProxy.Edge.Balancing;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Http1;
using MarchProxy.Edge.Upstream;
using MarchProxy.Net;
using MarchProxy.Net.Tcp;

namespace MarchProxy.Edge.Http;

/// <summary>Other tries of a request, and the bounds of what a service may have to do at a time.</summary>
internal sealed partial class HttpExchange
{
    private static readonly Action<TcpConnection> s_slotFree = static connection => ((ConnectionSlots)connection.ClosedState!).Release();

    /// <summary>The service whose bounds this request counts in.</summary>
    private Circuit? _circuit;
    private Circuit? _retryCircuit;

    /// <summary>A slot that was taken for a connection which is not there yet.</summary>
    private ConnectionSlots? _slot;

    /// <summary>Whether a connection is worth keeping: not when a request of another loop waits for one.</summary>
    private bool KeepsConnection => _circuit is not { } circuit || !circuit.Connections.IsWanted || circuit.Connections.HandTo(_edge.Loop);

    private static RetryCause CauseOf(ResponseOutcome outcome) => outcome switch
    {
        ResponseOutcome.ClosedSilently or ResponseOutcome.Failed => RetryCause.Reset,
        ResponseOutcome.TimedOut => RetryCause.Timeout,
        _ => RetryCause.None,
    };

    /// <summary>
    /// Whether the request is tried again: where the route says so, as often as it says, where its requests have earned it, and, once anything of it may have been seen,
    /// only where it is safe to repeat. If so, another address is chosen where there is one.
    /// </summary>
    private bool MayTryAgain(RetryCause cause, long deadline)
    {
        if (cause == RetryCause.None || _route is not { } route || Record.Retries >= route.Route.Retries || !route.Retries.Has(cause)) return false;
        bool nothingSent = cause == RetryCause.Connect;
        if (!nothingSent && !(IsIdempotent && _request.Body == BodyKind.None)) return false;
        if (nothingSent && route.Addresses < 2) return false;
        long now = _edge.Loop.NowMs;
        if (now >= deadline || Errand is not null || !route.TryRetry(now)) return false;
        if (!EnterRetry()) return false;
        if (!NextBackend() && nothingSent) return false;
        Record.Retries++;
        return true;
    }

    /// <summary>Turns to an address that this request has not tried.</summary>
    private bool NextBackend()
    {
        _tried ??= new EndpointState?[MaxTargets];
        if (_triedCount == MaxTargets) return false;
        _tried[_triedCount++] = _endpoint;
        if (_route!.Another(_tried.AsSpan(0, _triedCount), _edge.Loop.NowMs) is not { } next || !EnterCircuit(next.Backend)) return false;
        Choose(next.Backend, next.State);
        _targetTls = next.Backend.Tls;
        Record.Destination = next.Backend.Service.Name;
        return true;
    }

    /// <summary>Counts the request in with a service; false when it has as many as it may have.</summary>
    private bool EnterCircuit(CompiledBackend backend)
    {
        if (ReferenceEquals(backend.Circuit, _circuit)) return true;
        if (backend.Circuit is { } next && !next.TryRequest()) return false;
        _circuit?.EndRequest();
        _circuit = backend.Circuit;
        return true;
    }

    private bool EnterRetry()
    {
        if (_circuit is not { } circuit || _retryCircuit is not null) return true;
        if (!circuit.TryRetry()) return false;
        _retryCircuit = circuit;
        return true;
    }

    /// <summary>The request is over.</summary>
    private void LeaveCircuit()
    {
        GiveSlotTo(null);
        _circuit?.EndRequest();
        _retryCircuit?.EndRetry();
        _circuit = _retryCircuit = null;
    }

    /// <summary>Takes the right to open a connection, waiting in line for it.</summary>
    /// <returns>Null when one may be opened; else that one of the pool is used (no refusal), or why there is none.</returns>
    private async ValueTask<SlotOutcome?> TakeSlotAsync(Circuit circuit)
    {
        long deadline = _edge.Loop.NowMs + _edge.Settings.ConnectMs;
        while (true)
        {
            int result = circuit.Connections.TryTake();
            if (result == -Errno.EAGAIN)
            {
                circuit.Want(_backend!);
                _client.WatchHangUp(this);
                long left = deadline - _edge.Loop.NowMs;
                result = left <= 0 ? -Errno.ETIMEDOUT : await circuit.Connections.WaitAsync(_edge.Loop, left);
                _client.UnwatchHangUp();
            }

            if (_clientGone)
            {
                if (result == 0) circuit.Connections.Release();
                return new SlotOutcome(LocalAnswers.ResponseIncomplete);
            }

            if (result == 0)
            {
                _slot = circuit.Connections;
                return null;
            }

            if (result < 0)
            {
                circuit.NoteNoConnection();
                return new SlotOutcome(LocalAnswers.CircuitOpen(result == -Errno.ENOBUFS ? "circuit-pending" : "circuit-connections"));
            }

            // A connection of this loop has come free for us.
            if (_edge.Pool.TryTake(_targets[0], _targetTls) is not { } pooled) continue;
            UseUpstream(pooled, reused: true);
            return new SlotOutcome(null);
        }
    }

    /// <summary>The slot goes with the connection, until it closes; without one it is free again.</summary>
    private void GiveSlotTo(TcpConnection? connection)
    {
        if (_slot is not { } slot) return;
        _slot = null;
        if (connection is null)
        {
            slot.Release();
            return;
        }

        connection.OnClosed = s_slotFree;
        connection.ClosedState = slot;
    }

    private readonly record struct SlotOutcome(LocalResponse? Refused);
}
