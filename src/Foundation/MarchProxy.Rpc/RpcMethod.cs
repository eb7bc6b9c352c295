using Google.Protobuf;

namespace MarchProxy.Rpc;

/// <summary>A method of a service: its path and how its messages are read.</summary>
/// <param name="Service">With its package: <c>envoy.service.discovery.v3.AggregatedDiscoveryService</c>.</param>
/// <param name="Name">The method's.</param>
/// <param name="RequestParser">Reads requests.</param>
/// <param name="ResponseParser">Reads responses.</param>
public sealed record RpcMethod<TRequest, TResponse>(string Service, string Name, MessageParser<TRequest> RequestParser, MessageParser<TResponse> ResponseParser)
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    /// <summary>The <c>:path</c> of a call.</summary>
    public string Path => $"/{Service}/{Name}";
}
