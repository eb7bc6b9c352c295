using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text;
using MarchProxy.Edge.Http1;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using MarchProxy.Net;
using MarchProxy.Net.Dns;

namespace MarchProxy.Edge.Egress;

/// <summary>
/// One egress decision on its way: the name asked for, the decision on it, the addresses it resolved to by us, and of these the ones that may be
/// dialled. What is dialled is what was checked. Reused; allocates only for address literals and names that must be resolved.
/// </summary>
internal sealed class EgressGate
{
    private const int MostSources = 4;
    private readonly char[] _host = new char[HostName.MaxLength + 1];
    private int _length;
    private IPAddress? _literal;
    private ServiceIdentity? _authenticated;
    private ImmutableArray<Service> _byAddress;
    private EgressProtocols _protocols;
    private DateTimeOffset _now;
    private int _port;
    private ImmutableArray<IPAddress> _static;

    public EgressDecision Decision { get; private set; }

    /// <summary>What the resolver said, when it was asked.</summary>
    public ResolveResult? Resolved { get; set; }

    public int Port => _port;

    public Service? AnySource => _authenticated?.Service ?? (_byAddress.IsDefaultOrEmpty ? null : _byAddress[0]);

    public string HostText => _literal?.ToString() ?? new string(_host, 0, _length);

    /// <summary>Whether an address was asked for, not a name.</summary>
    public bool IsAddress => _literal is not null;

    /// <summary>Takes over an address as the destination.</summary>
    public void SetDestination(IPAddress address, int port)
    {
        _port = port;
        _literal = address;
        _length = 0;
        Resolved = null;
        _static = [];
    }

    /// <summary>Decides anew, for what is open already: the same client, the same destination, the address that was dialled, under another configuration or at a later time.</summary>
    public EgressDecision Reconsider(EgressPolicy policy, IPAddress? client, in Endpoint dialled, DateTimeOffset now)
    {
        ServiceIdentity? proven = null;
        if (_authenticated is { } before)
        {
            // One that is gone, or proves itself otherwise now, would not be let in again.
            if (policy.FindService(before.Service.Name) is not { } service || service.Auth.Type != before.Proof) return new EgressDecision(MappingEffect.Deny, DenyReason.BadCredentials, null, before.Service, null, _port);
            proven = before with { Service = service };
        }

        SetSource(proven, client is null ? [] : policy.FindByAddress(client), _protocols, now);
        EgressDecision decision = Decide(policy);
        return decision.Passes && dialled.Address is { } address ? Decision = policy.DecideAddress(Request(), address, decision) : decision;
    }

    private ReadOnlySpan<char> Host => _host.AsSpan(0, _length);

    /// <summary>Takes over the destination. False when it is neither a name nor an address in its standard notation.</summary>
    public bool SetDestination(ReadOnlySpan<byte> host, bool isIPv6, int port)
    {
        _port = port;
        _literal = null;
        _length = 0;
        Resolved = null;
        _static = [];
        if (host.Length > HostName.MaxLength) return false;
        Span<char> text = stackalloc char[host.Length];
        Encoding.Latin1.GetChars(host, text);
        if (isIPv6 || HostName.LooksLikeAddress(text))
        {
            text.CopyTo(_host);
            _length = text.Length;
            return HostName.TryParseAddress(text, out _literal);
        }

        return HostName.TryNormaliseAscii(text, _host, out _length);
    }

    public void SetSource(ServiceIdentity? authenticated, ImmutableArray<Service> byAddress, EgressProtocols protocols, DateTimeOffset now)
    {
        _authenticated = authenticated;
        _byAddress = byAddress;
        _protocols = protocols;
        _now = now;
    }

    public EgressDecision Decide(EgressPolicy policy) => Decision = policy.Decide(Request());

    /// <summary>Finds addresses without leaving the loop. False when the resolver must be asked.</summary>
    public bool TryResolve(EgressPolicy policy, INameResolver resolver)
    {
        if (_literal is not null || policy.TryResolve(Decision.Destination!, Host, out _static)) return true;
        if (!resolver.TryGetCached(Host, out ResolveResult? result)) return false;
        Resolved = result;
        return true;
    }

    /// <summary>Fills in the addresses that may be dialled; when none may, the decision becomes the last one's refusal.</summary>
    public int FillTargets(EgressPolicy policy, Span<Endpoint> targets)
    {
        if (_literal is not null) return Take(policy, _literal, targets, 0);
        ImmutableArray<IPAddress> addresses = !_static.IsDefaultOrEmpty ? _static : Resolved?.Addresses ?? [];
        int count = 0;
        EgressDecision byName = Decision;
        foreach (IPAddress address in addresses)
        {
            Decision = byName;
            count = Take(policy, address, targets, count);
        }

        if (count > 0) Decision = byName;
        return count;
    }

    /// <summary>What to answer when no address is left.</summary>
    public LocalResponse ResolutionRefusal()
    {
        if (!Decision.Passes) return EgressAnswers.Denied(Decision.Reason, this, Decision.Mapping);
        return (Resolved?.Status ?? ResolveStatus.NotFound) switch
        {
            ResolveStatus.Timeout => EgressAnswers.Unresolved(504, "dns-timeout", ProxyError.DnsTimeout, this),
            ResolveStatus.Busy => EgressAnswers.Unresolved(503, "dns-busy", ProxyError.DnsError, this),
            ResolveStatus.NotFound or ResolveStatus.Ok => EgressAnswers.Unresolved(502, "dns-not-found", ProxyError.DnsError, this),
            _ => EgressAnswers.Unresolved(502, "dns-failure", ProxyError.DnsError, this),
        };
    }

    /// <summary>Writes what was asked as the text of a <see cref="Flow"/>: source, proof, protocols, port, host.</summary>
    /// <returns>Characters written; 0 when there was no destination, or it does not fit.</returns>
    public int WriteFlow(Span<char> text)
    {
        if (_literal is null && _length == 0) return 0;
        int length = 0;
        if (_authenticated is { } proven)
        {
            if (!text.TryWrite($"{proven.Service.Name}", out length)) return 0;
        }
        else if (!_byAddress.IsDefaultOrEmpty)
        {
            // Narrower networks come first: of many services that one address makes a client, the first few tell enough.
            foreach (Service service in _byAddress.AsSpan()[..Math.Min(_byAddress.Length, MostSources)])
            {
                if (!text[length..].TryWrite($"{(length > 0 ? "," : "")}{service.Name}", out int name)) return 0;
                length += name;
            }
        }

        int proof = (int)(_authenticated?.Proof ?? AuthType.None), protocols = (int)_protocols;
        if (!text[length..].TryWrite(CultureInfo.InvariantCulture, $"|{proof}|{protocols}|{_port}|", out int middle)) return 0;
        length += middle;
        int host = _length;
        bool fits = _literal is null ? Host.TryCopyTo(text[length..]) : _literal.TryFormat(text[length..], out host);
        return fits ? length + host : 0;
    }

    private int Take(EgressPolicy policy, IPAddress address, Span<Endpoint> targets, int count)
    {
        EgressDecision checkedDecision = policy.DecideAddress(Request(), address, Decision);
        Decision = checkedDecision;
        if (checkedDecision.Passes && count < targets.Length) targets[count++] = Endpoint.From(address, checkedDecision.Port);
        return count;
    }

    private EgressRequest Request() => new()
    {
        Authenticated = _authenticated,
        ByAddress = _byAddress,
        Host = _literal is null ? Host : default,
        Address = _literal,
        Protocols = _protocols,
        Port = _port,
        Now = _now,
    };
}
