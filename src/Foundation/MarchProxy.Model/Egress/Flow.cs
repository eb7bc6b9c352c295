using System.Globalization;
using System.Net;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Egress;

/// <summary>What egress decisions are counted by: who asked, for what. It holds all that is needed to ask another policy the same question.</summary>
/// <param name="Source">The service that asked; several, joined by commas, where an address belongs to several; empty for nobody known.</param>
/// <param name="Proof">How it proved who it is; None for its address.</param>
/// <param name="Protocols">What was asked for; a CONNECT asks for TCP and HTTPS.</param>
/// <param name="Host">The name as compared, or the address.</param>
/// <param name="Port">The port asked for.</param>
public sealed record Flow(string Source, AuthType Proof, EgressProtocols Protocols, string Host, int Port)
{
    /// <summary>The longest text of one: longer lists of sources are cut.</summary>
    public const int MaxLength = 512;

    private const char Between = '|';

    /// <summary>Writes it as one text that no other flow has: a key for tables and stores.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Source}|{(int)Proof}|{(int)Protocols}|{Port}|{Host}");

    /// <summary>Reads <see cref="ToString"/>'s text.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The flow; null when it is none.</returns>
    public static Flow? Parse(string text)
    {
        string[] parts = text.Split(Between);
        if (parts.Length != 5 || text.Length > MaxLength) return null;
        bool numbers = int.TryParse(parts[1], CultureInfo.InvariantCulture, out int proof) & int.TryParse(parts[2], CultureInfo.InvariantCulture, out int protocols) & int.TryParse(parts[3], CultureInfo.InvariantCulture, out int port);
        bool sound = numbers && Enum.IsDefined((AuthType)proof) && protocols is > 0 and < 32 && port is >= 0 and <= 65535 && parts[4].Length is > 0 and <= HostName.MaxLength;
        return sound ? new Flow(parts[0], (AuthType)proof, (EgressProtocols)protocols, parts[4], port) : null;
    }

    /// <summary>What a policy says to it. For a name, the addresses that it would resolve to are not judged.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="now">The time.</param>
    public EgressDecision Decide(EgressPolicy policy, DateTimeOffset now)
    {
        ServiceIdentity? proven = null;
        Service[] byAddress = [];
        if (Proof == AuthType.None)
        {
            byAddress = [.. Source.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(name => policy.FindService(name)).OfType<Service>().Where(s => s.Auth.Type == AuthType.None)];
        }
        else if (policy.FindService(Source) is { } service && service.Auth.Type == Proof)
        {
            proven = new ServiceIdentity(service, Proof);
        }
        else
        {
            return new EgressDecision(MappingEffect.Deny, DenyReason.BadCredentials, null, null, null, Port);
        }

        bool literal = HostName.TryParseAddress(Host, out IPAddress? address);
        var asked = new EgressRequest
        {
            Authenticated = proven,
            ByAddress = [.. byAddress],
            Host = literal ? "" : Host,
            Address = literal ? address : null,
            Protocols = Protocols,
            Port = Port,
            Now = now,
        };
        EgressDecision decision = policy.Decide(asked);
        return literal && decision.Passes ? policy.DecideAddress(asked, address!, decision) : decision;
    }
}
