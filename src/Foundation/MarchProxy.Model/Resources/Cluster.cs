namespace MarchProxy.Model.Resources;

/// <summary>An isolation boundary.</summary>
public sealed record Cluster : Resource
{
    /// <inheritdoc/>
    public override string Kind => "cluster";

    /// <summary>Proxies that may register. Default 3, the Community limit.</summary>
    public int MaxProxies { get; init; } = 3;
}
