namespace MarchProxy.Edge.Http1;

/// <summary>The Connection field of a response that we send.</summary>
internal enum ConnectionOption
{
    /// <summary>No field: HTTP/1.1 persists.</summary>
    None,

    /// <summary>The connection closes after this message.</summary>
    Close,

    /// <summary>For an HTTP/1.0 client whose connection persists.</summary>
    KeepAlive,

    /// <summary>With 101: the Upgrade field passes.</summary>
    Upgrade,
}
