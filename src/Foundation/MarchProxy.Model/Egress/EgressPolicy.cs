using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Egress;

/// <summary>
/// The egress decision as a pure function over an index: who asks, for what, on which port. Default deny; the first match by priority decides; at
/// equal priority deny beats allow. Cost grows with the services that cover one name and with the logarithm of their mappings' ports, not with
/// how many there are in all; a decision allocates nothing.
/// </summary>
public sealed class EgressPolicy
{
    private const int AllKey = 0;
    private readonly DestinationIndex _destinations;
    private readonly DestinationIndex _sourcesByAddress;
    private readonly Dictionary<string, Service> _services;
    private readonly Dictionary<string, Service>.AlternateLookup<ReadOnlySpan<char>> _serviceByName;
    private readonly Dictionary<Service, (int Service, int Collection)> _keys;
    private readonly Dictionary<long, MappingBucket> _buckets;
    private readonly Dictionary<Service, StaticNames> _static;
    private readonly Dictionary<SecretHash, Service> _byToken = [];
    private readonly Dictionary<string, Service> _byCertificate = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Compiles the policy of one cluster.</summary>
    /// <param name="services">Its services, validated.</param>
    /// <param name="mappings">Its mappings, validated.</param>
    public EgressPolicy(ImmutableArray<Service> services, ImmutableArray<Mapping> mappings)
    {
        _destinations = new DestinationIndex(services);
        _sourcesByAddress = new DestinationIndex(services.Where(s => s.Auth.Type == AuthType.None));
        _services = services.ToDictionary(s => s.Name, StringComparer.Ordinal);
        _serviceByName = _services.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (Service service in services)
        {
            if (service.Auth.Token is { } token) _byToken.TryAdd(token, service);
            if (service.Auth.PreviousToken is { } previous) _byToken.TryAdd(previous, service);
            if (service.Auth.Type != AuthType.Mtls) continue;
            foreach (string name in service.Auth.Names.IsEmpty ? [service.Name] : service.Auth.Names) _byCertificate.TryAdd(name, service);
        }

        var numbers = new Dictionary<string, int> { ["all"] = AllKey };
        _keys = services.ToDictionary(
            s => s,
            s => (Number(numbers, s.Name), s.Collection.Length == 0 ? AllKey : Number(numbers, "collection:" + s.Collection)),
            ReferenceEqualityComparer.Instance as IEqualityComparer<Service>);
        var buckets = new Dictionary<long, List<Mapping>>();
        foreach (Mapping mapping in mappings)
        {
            foreach (string source in mapping.Sources)
            {
                foreach (string destination in mapping.Destinations)
                {
                    long key = Pair(Number(numbers, source), Number(numbers, destination));
                    if (!buckets.TryGetValue(key, out List<Mapping>? list)) buckets[key] = list = [];
                    list.Add(mapping);
                }
            }
        }

        _buckets = buckets.ToDictionary(b => b.Key, b => new MappingBucket(b.Value));
        _static = services.Where(s => s.Resolve.Count > 0).ToDictionary(
            s => s, s => new StaticNames(s.Resolve), ReferenceEqualityComparer.Instance as IEqualityComparer<Service>);
    }

    /// <summary>The host that the policy is put in force on; whoever does that sets it, and again when it changes.</summary>
    public OwnAddresses Own { get; set; } = OwnAddresses.None;

    /// <summary>A service by its name.</summary>
    /// <param name="name">The name.</param>
    public Service? FindService(ReadOnlySpan<char> name) => _serviceByName.TryGetValue(name, out Service? service) ? service : null;

    /// <summary>The service that a name and token prove, or null. Takes the same time for a wrong token as for a wrong name.</summary>
    /// <param name="name">The service's name.</param>
    /// <param name="token">Its token.</param>
    /// <param name="now">The time, for the overlap of a rotation.</param>
    public ServiceIdentity? FindByToken(ReadOnlySpan<char> name, ReadOnlySpan<char> token, DateTimeOffset now)
    {
        Service? service = FindService(name);
        ServiceAuth auth = service?.Auth ?? ServiceAuth.None;
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SecretHash.Digest(token, digest);
        bool current = SecretHash.Matches(auth.Token, digest);
        bool previous = SecretHash.Matches(auth.PreviousToken, digest) & auth.PreviousUntil > now;
        return auth.Type == AuthType.Token && (current | previous) ? new ServiceIdentity(service!, AuthType.Token) : null;
    }

    /// <summary>The service that a token alone proves, or null: looked up by its hash, which tells a guesser nothing.</summary>
    /// <param name="token">The token.</param>
    /// <param name="now">The time, for the overlap of a rotation.</param>
    public ServiceIdentity? FindByBearer(ReadOnlySpan<char> token, DateTimeOffset now) =>
        _byToken.TryGetValue(SecretHash.Of(token), out Service? service) ? FindByToken(service.Name, token, now) : null;

    /// <summary>The service that a client's verified certificate proves, or null.</summary>
    /// <param name="names">What the certificate says it is: URIs and DNS names of its subject alternative name, or its common name.</param>
    public ServiceIdentity? FindByCertificate(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (_byCertificate.TryGetValue(name, out Service? service)) return new ServiceIdentity(service, AuthType.Mtls);
        }

        return null;
    }

    /// <summary>The services that an address alone makes a client one of, narrower networks first. Called once a connection.</summary>
    /// <param name="address">The client's address.</param>
    public ImmutableArray<Service> FindByAddress(IPAddress address)
    {
        ServiceMatches matches = default;
        _sourcesByAddress.FindAddress(address, ref matches);
        if (matches.Count == 0) return [];
        var found = ImmutableArray.CreateBuilder<Service>();
        for (int i = 0; i < matches.Count; i++) found.AddRange(matches[i]);
        return found.ToImmutable();
    }

    /// <summary>Decides.</summary>
    /// <param name="request">What is asked.</param>
    public EgressDecision Decide(in EgressRequest request)
    {
        ServiceMatches matches = default;
        if (request.Address is null) _destinations.FindName(request.Host, ref matches);
        else _destinations.FindAddress(request.Address, ref matches);
        var search = new Search(request);
        for (int i = 0; i < matches.Count; i++)
        {
            foreach (Service destination in matches[i]) Consider(request, destination, ref search);
        }

        return search.Result(request);
    }

    /// <summary>Whether a mapping denies the very address that a name resolved to; what was allowed by name does not reach it.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="address">The address that would be dialled.</param>
    /// <param name="allowed">The decision by name.</param>
    public EgressDecision DecideAddress(in EgressRequest request, IPAddress address, in EgressDecision allowed)
    {
        var byAddress = new EgressRequest
        {
            Authenticated = request.Authenticated,
            ByAddress = request.ByAddress,
            Address = address,
            Protocols = request.Protocols,
            Port = allowed.Port,
            Now = request.Now,
        };
        EgressDecision second = Decide(byAddress);
        bool denied = second.Reason == DenyReason.ExplicitDeny && MappingBucket.Compare(second.Mapping!, allowed.Mapping!) < 0;
        if (denied) return second;
        return AddressGuard.Allows(allowed.Destination!, address) && Own.Allow(allowed.Destination!, address, allowed.Port)
            ? allowed
            : allowed with { Effect = MappingEffect.Deny, Reason = DenyReason.AddressRefused };
    }

    /// <summary>The static answers of a service for a name.</summary>
    /// <param name="destination">The service.</param>
    /// <param name="host">The name, normalised.</param>
    /// <param name="addresses">The answers.</param>
    public bool TryResolve(Service destination, ReadOnlySpan<char> host, out ImmutableArray<IPAddress> addresses)
    {
        addresses = [];
        return _static.TryGetValue(destination, out StaticNames? names) && names.TryFind(host, out addresses);
    }

    private void Consider(in EgressRequest request, Service destination, ref Search search)
    {
        (int service, int collection) to = _keys[destination];
        if (request.Authenticated is { } proven) ConsiderSource(proven, to, destination, ref search);
        if (!request.ByAddress.IsDefaultOrEmpty)
        {
            foreach (Service source in request.ByAddress) ConsiderSource(new ServiceIdentity(source, AuthType.None), to, destination, ref search);
        }
        else if (request.Authenticated is null)
        {
            ConsiderKey(AllKey, to, null, AuthType.None, destination, ref search);
        }
    }

    private void ConsiderSource(in ServiceIdentity identity, (int Service, int Collection) to, Service destination, ref Search search)
    {
        (int service, int collection) from = _keys[identity.Service];
        ConsiderKey(from.service, to, identity.Service, identity.Proof, destination, ref search);
        if (from.collection != AllKey) ConsiderKey(from.collection, to, identity.Service, identity.Proof, destination, ref search);
        ConsiderKey(AllKey, to, identity.Service, identity.Proof, destination, ref search);
    }

    private void ConsiderKey(int from, (int Service, int Collection) to, Service? source, AuthType proof, Service destination, ref Search search)
    {
        if (_buckets.TryGetValue(Pair(from, to.Service), out MappingBucket? bucket)) search.Look(bucket, source, proof, destination);
        if (to.Collection != AllKey && _buckets.TryGetValue(Pair(from, to.Collection), out bucket)) search.Look(bucket, source, proof, destination);
        if (_buckets.TryGetValue(Pair(from, AllKey), out bucket)) search.Look(bucket, source, proof, destination);
    }

    /// <summary>Two numbers as one key. Multiplying by an odd number keeps keys apart and mixes them: a long's own hash, the XOR of its halves, would put neighbours into one chain.</summary>
    private static long Pair(int source, int destination) => unchecked((((long)source << 32) | (uint)destination) * (long)0x9E3779B97F4A7C15UL);

    private static int Number(Dictionary<string, int> numbers, string name)
    {
        if (!numbers.TryGetValue(name, out int number)) numbers[name] = number = numbers.Count;
        return number;
    }
}
