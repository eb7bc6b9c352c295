namespace MarchProxy.Model.Resources;

/// <summary>A dedicated port of a mapping: what connects there is led straight to the mapping's one destination.</summary>
public sealed record MappingListen
{
    /// <summary>An IP address. Default 127.0.0.1.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>The port.</summary>
    public int Port { get; init; }

    /// <summary>tcp (default) or udp.</summary>
    public string Protocol { get; init; } = "tcp";

    /// <summary>The port asked for at the destination; 0 for its first.</summary>
    public int ServicePort { get; init; }

    /// <summary>The listener that it stands for.</summary>
    /// <param name="mapping">The mapping.</param>
    public static Listener ToListener(Mapping mapping)
    {
        MappingListen listen = mapping.Listen ?? throw new ArgumentException("The mapping has no port of its own.", nameof(mapping));
        return new Listener
        {
            Name = "mapping:" + mapping.Name,
            Cluster = mapping.Cluster,
            Position = mapping.Position,
            Purpose = ListenerPurpose.Dedicated,
            Address = listen.Address,
            Port = listen.Port,
            Protocol = listen.Protocol,
            Service = mapping.Destinations.IsEmpty ? "" : mapping.Destinations[0],
            ServicePort = listen.ServicePort,
        };
    }
}
