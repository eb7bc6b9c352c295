namespace MarchProxy.Edge.Http1;

/// <summary>What a step through chunked content came to.</summary>
internal enum ChunkStatus
{
    /// <summary>All of the input belongs to the message and is valid; its end is still to come.</summary>
    NeedMore,

    /// <summary>A run of payload was found; call again with what follows the consumed bytes.</summary>
    Data,

    /// <summary>The message ends with the last consumed byte.</summary>
    End,

    /// <summary>The coding is broken; <see cref="ChunkDecoder.Error"/> says how.</summary>
    Error,
}
