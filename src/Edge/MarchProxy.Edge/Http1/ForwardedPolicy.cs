namespace MarchProxy.Edge.Http1;

/// <summary>What a request's way is told to the upstream, and what becomes of what the client told.</summary>
internal readonly record struct ForwardedPolicy(ForwardedHeaders Add, ReceivedForwarded Received)
{
    /// <summary>Forward proxy: Via only; nothing about who asked leaves the house.</summary>
    public static ForwardedPolicy Egress => new(ForwardedHeaders.Via, ReceivedForwarded.Discard);

    /// <summary>Ingress: everything, and nothing that the client claims about scheme and host survives.</summary>
    public static ForwardedPolicy Ingress => new(ForwardedHeaders.All, ReceivedForwarded.Append);

    /// <summary>The known fields of the client's that are not copied: those discarded, replaced, or written anew with our part.</summary>
    internal ulong Dropped
    {
        get
        {
            bool discard = Received == ReceivedForwarded.Discard;
            ulong dropped = 0;
            if (discard || Adds(ForwardedHeaders.XForwardedFor)) dropped |= KnownHeaders.Bit(KnownHeader.XForwardedFor);
            if (discard || Adds(ForwardedHeaders.Forwarded)) dropped |= KnownHeaders.Bit(KnownHeader.Forwarded);
            if (Received != ReceivedForwarded.Trust)
            {
                dropped |= KnownHeaders.Set(KnownHeader.XForwardedProto, KnownHeader.XForwardedHost, KnownHeader.XForwardedPort);
            }

            return dropped;
        }
    }

    public bool Adds(ForwardedHeaders header) => (Add & header) != ForwardedHeaders.None;
}
