namespace MarchProxy.Edge.Http;

/// <summary>What an attempt to read a piece of content came to.</summary>
internal enum ContentStatus : byte
{
    /// <summary>A piece is here; more may follow.</summary>
    Data,

    /// <summary>The last piece is here; it may be empty.</summary>
    Last,

    /// <summary>Nothing is here now.</summary>
    Wait,

    /// <summary>The framing is broken.</summary>
    Malformed,

    /// <summary>The stream ended before its content did.</summary>
    Truncated,

    /// <summary>The stream failed.</summary>
    Failed,

    /// <summary>No buffer is left.</summary>
    Overload,
}

/// <summary>How content that is sent shows its end.</summary>
internal enum ContentFraming : byte
{
    /// <summary>The message ends with its head.</summary>
    None,

    /// <summary>The bytes as they are: a field told their number, or the end of the stream is their end.</summary>
    Plain,

    /// <summary>In pieces of told length, whose end the stream marks: chunks in HTTP/1.1, DATA frames in HTTP/2.</summary>
    Pieces,

    /// <summary>The bytes are chunks already (HTTP/1.1 on both sides).</summary>
    RawChunks,
}
