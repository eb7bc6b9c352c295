using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Egress;

/// <summary>The best match so far of one decision, and the nearest miss for the explanation.</summary>
internal ref struct Search
{
    private static readonly EgressProtocols[] s_each =
        [EgressProtocols.Http, EgressProtocols.Https, EgressProtocols.Tcp, EgressProtocols.Udp, EgressProtocols.Icmp];

    private readonly EgressProtocols _protocols;
    private readonly int _port;
    private readonly DateTimeOffset _now;
    private Mapping? _best, _near;
    private Service? _source, _destination, _nearSource, _nearDestination;
    private DenyReason _nearReason;

    public Search(in EgressRequest request)
    {
        _protocols = request.Protocols;
        _port = request.Port;
        _now = request.Now;
    }

    public void Look(MappingBucket bucket, Service? source, AuthType proof, Service destination)
    {
        bool found = false;
        foreach (EgressProtocols protocol in s_each)
        {
            if ((_protocols & protocol) == 0) continue;
            foreach (Mapping mapping in bucket.Find(protocol, _port))
            {
                found = true;
                if (_best is not null && MappingBucket.Compare(mapping, _best) >= 0) break;
                DenyReason miss = Holds(mapping, source, proof);
                if (miss == DenyReason.None)
                {
                    _best = mapping;
                    _source = source;
                    _destination = destination;
                    break;
                }

                Miss(miss, mapping, source, destination);
            }
        }

        if (!found) Miss(DenyReason.ProtocolOrPort, bucket.First, source, destination);
    }

    public readonly EgressDecision Result(in EgressRequest request)
    {
        if (_best is null)
        {
            DenyReason reason = _near is null ? DenyReason.NoMapping : _nearReason;
            return new EgressDecision(MappingEffect.Deny, reason, _near, _nearSource, _nearDestination, request.Port);
        }

        int port = _best.PortMap.Count > 0 && _best.PortMap.TryGetValue(request.Port, out int mapped) ? mapped : request.Port;
        DenyReason why = _best.Effect == MappingEffect.Allow ? DenyReason.None : DenyReason.ExplicitDeny;
        return new EgressDecision(_best.Effect, why, _best, _source, _destination, port);
    }

    /// <summary>Whether a mapping that fits is in force for this source. A deny needs no proof: nobody escapes it by staying anonymous.</summary>
    private readonly DenyReason Holds(Mapping mapping, Service? source, AuthType proof)
    {
        if (mapping.Approval != Approval.Approved) return DenyReason.NotApproved;
        if (mapping.ExpiresAt <= _now) return DenyReason.Expired;
        if (mapping.Effect == MappingEffect.Deny) return DenyReason.None;
        AuthType needed = mapping.Auth switch
        {
            MappingAuth.Token => AuthType.Token,
            MappingAuth.Jwt => AuthType.Jwt,
            MappingAuth.Mtls => AuthType.Mtls,
            MappingAuth.None => AuthType.None,
            _ => source?.Auth.Type ?? AuthType.None,
        };
        return needed == AuthType.None || needed == proof ? DenyReason.None : DenyReason.AuthenticationRequired;
    }

    private void Miss(DenyReason reason, Mapping mapping, Service? source, Service destination)
    {
        // The later in the list of reasons, the nearer the miss.
        if (_near is not null && reason <= _nearReason) return;
        _near = mapping;
        _nearReason = reason;
        _nearSource = source;
        _nearDestination = destination;
    }
}
