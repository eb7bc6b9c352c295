using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Http1;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
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
        Note(_gate.Decision);
        if (_targetCount == 0) return await RespondAsync(_gate.ResolutionRefusal());
        if (_request.Method == RequestMethod.Connect) return await ConnectAsync();
        return await ProxyAsync(s_forwardRequest, s_forwardResponse, _gate.Decision.Mapping!.Timeout);
    }

    /// <summary>The decision by name. Null when the request may go on.</summary>
    private LocalResponse? Judge()
    {
        ReadOnlySpan<byte> head = _session.Pending[.._headLength];
        Record.SetRequest(_request.MethodName.In(head), _request.Authority.In(head), _request.Path.In(head));
        bool connect = _request.Method == RequestMethod.Connect;
        if (connect) Record.Kind = "connect";
        else if (_request.Form != TargetForm.Absolute) return LocalAnswers.NotAProxyRequest;
        else if (_request.Scheme == TargetScheme.Https) return LocalAnswers.HttpsByAbsoluteForm;

        ServiceIdentity? authenticated = null;
        bool gave = _request.TryGet(KnownHeader.ProxyAuthorization, out ByteRange credentials);
        if (gave)
        {
            authenticated = Authenticate(credentials.In(head));
            if (authenticated is null)
            {
                Record.Effect = "deny";
                return LocalAnswers.CredentialsWrong;
            }
        }

        int port = _request.Host.Port > 0 ? _request.Host.Port : 80;
        bool known = _gate.SetDestination(_request.Host.Host.In(head), _request.Host.IsIPv6, port);
        _gate.SetSource(authenticated, _session.KnownByAddress(_config), connect ? EgressProtocols.Tcp | EgressProtocols.Https : EgressProtocols.Http, _edge.Now);
        if (!known)
        {
            Record.Effect = "deny";
            return EgressAnswers.Denied(DenyReason.BadDestination, _gate, null);
        }

        EgressDecision decision = _gate.Decide(_config.Snapshot.Egress);
        Note(decision);
        if (decision.Passes) return null;

        // A challenge helps a client that gave nothing; one that proved itself and may not is told so.
        bool challenge = !gave && _config.AnyTokens && decision.Reason is DenyReason.NoMapping or DenyReason.AuthenticationRequired;
        return challenge ? LocalAnswers.CredentialsNeeded : EgressAnswers.Denied(decision.Reason, _gate, decision.Mapping);
    }

    private void Note(in EgressDecision decision)
    {
        Record.Effect = decision.Effect switch { MappingEffect.Allow => "allow", MappingEffect.Report => "report", _ => "deny" };
        Record.Rule = decision.Mapping?.Name;
        Record.Source = (decision.Source ?? _gate.AnySource)?.Name;
        Record.Destination = decision.Destination?.Name;
        Record.Reason = decision.Effect == MappingEffect.Report ? "would-deny" : decision.Passes ? null : decision.Reason.Code();
    }

    // RFC 7617: Basic base64(user-id ":" password); the user-id is the service, the password its token.
    private ServiceIdentity? Authenticate(ReadOnlySpan<byte> value)
    {
        const int most = 1024;
        if (value.Length is < 7 or > most || !Ascii.EqualsIgnoreCase(value[..6], "Basic "u8)) return null;
        Span<byte> decoded = stackalloc byte[most];
        if (Base64.DecodeFromUtf8(value[6..].Trim((byte)' '), decoded, out _, out int length) != System.Buffers.OperationStatus.Done) return null;
        int colon = decoded[..length].IndexOf((byte)':');
        if (colon <= 0) return null;
        Span<char> text = stackalloc char[length];
        Encoding.Latin1.GetChars(decoded[..length], text);
        return _config.Snapshot.Egress.FindByToken(text[..colon], text[(colon + 1)..], _edge.Now);
    }
}
