namespace MarchProxy.Edge.Http1;

/// <summary>How a forwarded response's content is framed towards the client.</summary>
internal enum ResponseFraming
{
    /// <summary>As the upstream framed it; the raw bytes go on.</summary>
    AsReceived,

    /// <summary>The upstream ended by closing; we write chunks (<see cref="ChunkFrame"/>).</summary>
    Chunked,

    /// <summary>The client speaks HTTP/1.0: chunks are taken off and closing ends the content.</summary>
    UntilClose,

    /// <summary>We tell the length, another than was received or one that was not told.</summary>
    Length,

    /// <summary>The client's stream shows the end (HTTP/2): no field is about it.</summary>
    ByStream,
}
