using System.Globalization;
using System.Net;
using MarchProxy.Control.Api.Schema;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Identity;
using MarchProxy.Control.State;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MarchProxy.Control.Api;

/// <summary><c>/api/v1/explain</c>: may this party reach that destination, and why not; decided by the code that the planes run.</summary>
internal sealed class ExplainEndpoint(Manager manager)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/api/v1/explain", Explain).Needs(Permission.Read).WithTags("explain").WithName("explain")
        .WithSummary("May this party reach that destination, and why not.").Produces<ExplainAnswer>().ProducesProblems(400, 404, 422);

    private ExplainAnswer Explain(ExplainRequest request)
    {
        string name = request.Cluster ?? "default";
        ClusterState cluster = manager.State.Cluster(name) ?? throw new ControlException(RefusalKind.NotFound, $"There is no cluster {name}.");
        EgressPolicy policy = cluster.Snapshot.Egress;
        Service source = policy.FindService(request.Source ?? "") ?? throw new ControlException(RefusalKind.NotFound, $"There is no service \"{request.Source}\" in the cluster {name}.");
        if (request.Port is < 1 or > 65535) throw Wrong("port", "is not from 1 to 65535", "write the port that would be asked for");
        string host = request.Destination ?? "";
        if (!HostName.TryParseAddress(host, out IPAddress? address) && !HostName.TryNormalise(host, out host!)) throw Wrong("destination", "is neither a host name nor an address", "write orders.example or 192.0.2.1");
        var asked = new Flow(source.Name, source.Auth.Type, Protocol(request.Protocol ?? "https"), address?.ToString() ?? host, request.Port);
        EgressDecision decision = asked.Decide(policy, manager.Time.GetUtcNow());
        string reason = decision.Reason == DenyReason.None ? "allowed" : decision.Reason.Code();
        return new ExplainAnswer(
            decision.Effect switch { MappingEffect.Allow => "allow", MappingEffect.Report => "report", _ => "deny" }, reason, decision.Mapping?.Name, decision.Source?.Name ?? source.Name,
            decision.Destination?.Name, decision.Port, Text(request, decision, reason));
    }

    private static string Text(ExplainRequest request, in EgressDecision decision, string reason)
    {
        string flow = string.Create(CultureInfo.InvariantCulture, $"{request.Source} to {request.Destination}:{request.Port}");
        string by = decision.Mapping is null ? "" : $" by mapping/{decision.Mapping.Name}";
        return decision.Effect switch
        {
            MappingEffect.Allow => $"{flow} is allowed{by}; port {decision.Port} of service/{decision.Destination!.Name} is dialled.",
            MappingEffect.Report => $"{flow} passes{by}, and is reported as what would be denied.",
            _ => $"{flow} is denied: {reason}{by}.",
        };
    }

    private static EgressProtocols Protocol(string text) => text switch
    {
        "tcp" => EgressProtocols.Tcp,
        "udp" => EgressProtocols.Udp,
        "icmp" => EgressProtocols.Icmp,
        "http" => EgressProtocols.Http,
        "https" => EgressProtocols.Https,
        _ => throw Wrong("protocol", $"\"{text}\" is not a protocol", "write tcp, udp, icmp, http or https"),
    };

    private static ControlException Wrong(string field, string message, string mend) => new(RefusalKind.Invalid, $"{field} {message}.", new Fault("explain", field, message, mend));
}
