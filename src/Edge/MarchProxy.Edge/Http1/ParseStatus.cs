namespace MarchProxy.Edge.Http1;

/// <summary>What a parse of a message head came to.</summary>
internal enum ParseStatus
{
    /// <summary>The bytes so far are a valid beginning; call again with more appended.</summary>
    NeedMore,

    /// <summary>The head is whole and valid.</summary>
    Ok,

    /// <summary>The peer broke the protocol; the head's <see cref="MessageHead.Error"/> says how.</summary>
    Error,
}
