namespace MarchProxy.Edge.Http1;

/// <summary>How the end of a message's content is found (RFC 9112 section 6.3).</summary>
internal enum BodyKind : byte
{
    /// <summary>The message ends with its head.</summary>
    None,

    /// <summary>Exactly <see cref="MessageHead.ContentLength"/> bytes follow, at least one.</summary>
    Length,

    /// <summary>Chunks follow; <see cref="ChunkDecoder"/> finds their end.</summary>
    Chunked,

    /// <summary>Responses only: everything until the upstream closes.</summary>
    UntilClose,
}
