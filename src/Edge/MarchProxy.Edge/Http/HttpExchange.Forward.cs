using System.Runtime.CompilerServices;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Http1;
using MarchProxy.Model.Egress;
using MarchProxy.Net.Dns;
using MarchProxy.Net.Loop;

namespace MarchProxy.Edge.Http;

internal sealed partial class HttpExchange
{
    private readonly EgressGate _gate = new();

    /// <summary>Decides on a forward-proxy request: who asks, for what, at which address; then lets it pass or opens a tunnel.</summary>
    [AsyncMethodBuilder(typeof(LoopMethodBuilder<>))]
    private async ValueTask<bool> ForwardAsync()
    {
        if (Judge() is { } refusal) return await RespondAsync(refusal);
        if (!_gate.TryResolve(_config.Snapshot.Egress, _edge.Resolver))
        {
            ResolveResult resolved = await _edge.Resolver.ResolveAsync(_gate.HostText);
            await _edge.Loop.Enter();
            _gate.Resolved = resolved;
        }

        _targetCount = _gate.FillTargets(_config.Snapshot.Egress, _targets);
        EgressAdmission.Note(Record, _gate.Decision, _gate.AnySource);
        _edge.Flows.Count(_gate, _edge.Now);
        if (_targetCount == 0) return await RespondAsync(_gate.ResolutionRefusal());
        if (_client.Connection.Destination != default && !KeepCaught()) return await RespondAsync(Deny(DenyReason.NameAddressMismatch));
        if (_edge.EgressLimits.Request(_gate.Decision) is > 0 and var seconds)
        {
            Record.Effect = "deny";
            return await RespondAsync(EgressAnswers.Limited(seconds, _gate));
        }

        if (_request.Method == RequestMethod.Connect) return await ConnectAsync();
        return await ProxyAsync(s_forwardRequest, s_forwardResponse, _gate.Decision.Mapping!.Timeout);
    }

    /// <summary>The decision by name. Null when the request may go on.</summary>
    private LocalResponse? Judge()
    {
        ReadOnlySpan<byte> head = HeadBytes;
        Record.SetRequest(_request.MethodName.In(head), _request.Authority.In(head), _request.Path.In(head));
        if (_edge.Log.TellsAgent) KeepAgent(head);
        bool connect = _request.Method == RequestMethod.Connect;
        bool caught = _client.Connection.Destination != default;
        if (caught && (connect || _request.Form != TargetForm.Origin)) return LocalAnswers.NoProxyHere;
        if (connect) Record.Kind = "connect";
        else if (!caught && _request.Form != TargetForm.Absolute) return LocalAnswers.NotAProxyRequest;
        else if (_request.Scheme == TargetScheme.Https) return LocalAnswers.HttpsByAbsoluteForm;

        ServiceIdentity? authenticated = _client.Connection.KnownByCertificate(_config);
        ByteRange credentials = default;
        bool gave = !caught && _request.TryGet(KnownHeader.ProxyAuthorization, out credentials);
        if (gave)
        {
            Record.Effect = "deny";
            if (_edge.EgressLimits.IsGuessing(_client.Connection.Address)) return LocalAnswers.TooManyFailures;
            authenticated = _edge.Proof.ByHeader(_config, credentials.In(head), _edge.Now);
            if (authenticated is null)
            {
                _edge.EgressLimits.Failed(_client.Connection.Address);
                return LocalAnswers.CredentialsWrong;
            }
        }

        int port = caught ? _client.Connection.Destination.Port : _request.Host.Port > 0 ? _request.Host.Port : 80;
        bool known = _gate.SetDestination(_request.Host.Host.In(head), _request.Host.IsIPv6, port);
        _gate.SetSource(authenticated, _client.Connection.KnownByAddress(_config), connect ? EgressProtocols.Tcp | EgressProtocols.Https : EgressProtocols.Http, _edge.Now);
        if (!known)
        {
            Record.Effect = "deny";
            return EgressAnswers.Denied(DenyReason.BadDestination, _gate, null);
        }

        EgressDecision decision = _gate.Decide(_config.Snapshot.Egress);
        EgressAdmission.Note(Record, decision, _gate.AnySource);
        if (decision.Passes) return null;
        _edge.Flows.Count(_gate, _edge.Now);

        // A challenge helps a client that gave nothing; one that proved itself and may not is told so.
        bool challenge = !gave && !caught && _config.AnyTokens && decision.Reason is DenyReason.NoMapping or DenyReason.AuthenticationRequired;
        return challenge ? LocalAnswers.CredentialsNeeded : EgressAnswers.Denied(decision.Reason, _gate, decision.Mapping);
    }

    /// <summary>Only the address that the client was going to is dialled, and only if the name that it asks for has it.</summary>
    private bool KeepCaught()
    {
        for (int i = 0; i < _targetCount; i++)
        {
            if (!Equals(_targets[i].Address, _client.Connection.Destination.Address)) continue;
            _targets[0] = _targets[i];
            _targetCount = 1;
            return true;
        }

        return false;
    }

    private LocalResponse Deny(DenyReason reason)
    {
        Record.Effect = "deny";
        return EgressAnswers.Denied(reason, _gate, _gate.Decision.Mapping);
    }
}
