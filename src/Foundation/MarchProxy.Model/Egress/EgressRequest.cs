using System.Collections.Immutable;
using System.Net;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Egress;

/// <summary>A service that asks, and how it proved who it is.</summary>
/// <param name="Service">The service.</param>
/// <param name="Proof">What it proved it with.</param>
public readonly record struct ServiceIdentity(Service Service, AuthType Proof);

/// <summary>What is asked of the policy.</summary>
public readonly ref struct EgressRequest
{
    /// <summary>The service that proved itself, or null.</summary>
    public ServiceIdentity? Authenticated { get; init; }

    /// <summary>The services that the client's address alone makes it one of; narrower networks first.</summary>
    public ImmutableArray<Service> ByAddress { get; init; }

    /// <summary>The name asked for, normalised by <see cref="Addresses.HostName"/>; empty when an address is asked for.</summary>
    public ReadOnlySpan<char> Host { get; init; }

    /// <summary>The address asked for, or null.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>What is asked for; where several are named, a mapping for any of them fits.</summary>
    public EgressProtocols Protocols { get; init; }

    /// <summary>The port asked for.</summary>
    public int Port { get; init; }

    /// <summary>The time.</summary>
    public DateTimeOffset Now { get; init; }
}

/// <summary>The policy's answer.</summary>
/// <param name="Effect">Allow, deny, or report: let through what would be denied.</param>
/// <param name="Reason">Why not; None when allowed.</param>
/// <param name="Mapping">The mapping that decided, or the one that nearly fitted.</param>
/// <param name="Source">The source that the mapping matched.</param>
/// <param name="Destination">The destination that the mapping matched.</param>
/// <param name="Port">The port to dial.</param>
public readonly record struct EgressDecision(
    MappingEffect Effect, DenyReason Reason, Mapping? Mapping, Service? Source, Service? Destination, int Port)
{
    /// <summary>Whether traffic passes.</summary>
    public bool Passes => Effect != MappingEffect.Deny;
}
