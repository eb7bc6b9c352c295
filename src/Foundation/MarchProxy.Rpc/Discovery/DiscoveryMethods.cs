namespace MarchProxy.Rpc.Discovery;

/// <summary>The methods between planes and manager.</summary>
public static class DiscoveryMethods
{
    /// <summary>The type of our own resources: all kinds in one, so that each push is one consistent step from one version to the next.</summary>
    public const string DomainType = "type.googleapis.com/marchproxy.v1.DomainResource";

    private const string Ads = "envoy.service.discovery.v3.AggregatedDiscoveryService";

    /// <summary>State of the world: each response holds everything.</summary>
    public static RpcMethod<DiscoveryRequest, DiscoveryResponse> Stream { get; } = new(Ads, "StreamAggregatedResources", DiscoveryRequest.Parser, DiscoveryResponse.Parser);

    /// <summary>Incremental: each response holds what changed.</summary>
    public static RpcMethod<DeltaDiscoveryRequest, DeltaDiscoveryResponse> Delta { get; } = new(Ads, "DeltaAggregatedResources", DeltaDiscoveryRequest.Parser, DeltaDiscoveryResponse.Parser);

    /// <summary>Reports of planes: registration, heartbeat and counters.</summary>
    public static RpcMethod<PlaneReport, PlaneReportAnswer> Report { get; } = new("marchproxy.v1.PlaneService", "Report", PlaneReport.Parser, PlaneReportAnswer.Parser);
}
