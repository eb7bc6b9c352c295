using System.Globalization;
using MarchProxy.Edge.Http1;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Egress;

/// <summary>Refusals of the egress policy, with the reason and what would mend it.</summary>
internal static class EgressAnswers
{
    public static LocalResponse Denied(DenyReason reason, EgressGate gate, Mapping? mapping) => new()
    {
        Status = 403,
        Reason = reason.Code(),
        Detail = Sentence(reason, gate, mapping),
        Error = reason == DenyReason.AddressRefused ? ProxyError.DestinationIpProhibited : ProxyError.HttpRequestDenied,
    };

    public static LocalResponse Unresolved(int status, string reason, ProxyError error, EgressGate gate) => new()
    {
        Status = status,
        Reason = reason,
        Detail = $"The name {gate.HostText} could not be resolved.",
        Error = error,
    };

    public static LocalResponse Limited(int seconds, EgressGate gate) => new()
    {
        Status = 429,
        Reason = DenyReason.RateLimited.Code(),
        Detail = $"{(gate.AnySource is { } source ? $"Service {source.Name}" : "A client without identity")} has asked {gate.HostText} more often than it may.",
        Error = ProxyError.HttpRequestDenied,
        RetryAfterSeconds = seconds,
    };

    public static LocalResponse TooManyTunnels(EgressGate gate) => new()
    {
        Status = 429,
        Reason = DenyReason.RateLimited.Code(),
        Detail = $"Service {gate.AnySource?.Name} has as many tunnels open as it may.",
        Error = ProxyError.ConnectionLimitReached,
        RetryAfterSeconds = 1,
    };

    private static string Sentence(DenyReason reason, EgressGate gate, Mapping? mapping)
    {
        string who = gate.AnySource is { } source ? $"service {source.Name}" : "a client without identity";
        string what = string.Create(CultureInfo.InvariantCulture, $"{gate.HostText}:{gate.Port}");
        return reason switch
        {
            DenyReason.NoMapping => $"No mapping lets {who} reach {what}.",
            DenyReason.ExplicitDeny => $"The mapping {mapping?.Name} denies {who} {what}.",
            DenyReason.ProtocolOrPort => $"The mapping {mapping?.Name} lets {who} reach that host, but not by this protocol or port ({what}).",
            DenyReason.Expired => $"The mapping {mapping?.Name}, which let {who} reach {what}, has expired.",
            DenyReason.NotApproved => $"The mapping {mapping?.Name}, which would let {who} reach {what}, is not approved.",
            DenyReason.AuthenticationRequired => $"The mapping {mapping?.Name} demands another proof than {who} gave.",
            DenyReason.AddressRefused => $"{what} leads to an address that the guard refuses; allowAddresses of its service would open it.",
            DenyReason.NameAddressMismatch => $"{what} is not at the address that the connection was going to.",
            _ => $"{what} is not a destination as the policy reads them.",
        };
    }
}
