using MarchProxy.Edge.Http;
using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Caching;

/// <summary>Sits in exchanges with unsafe methods: has what is kept of their targets go once they have succeeded.</summary>
internal sealed class InvalidationFilter : ExchangeFilter
{
    /// <summary>It keeps nothing: one is enough for all.</summary>
    public static InvalidationFilter Instance { get; } = new();

    /// <inheritdoc/>
    public override bool OnResponseHead(HttpExchange exchange, ResponseHead response, ReadOnlySpan<byte> bytes, ResponseEdit edit)
    {
        exchange.InvalidateTargets(response, bytes);
        return false;
    }
}
