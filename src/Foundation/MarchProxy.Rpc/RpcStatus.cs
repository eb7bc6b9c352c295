namespace MarchProxy.Rpc;

/// <summary>The status codes of gRPC.</summary>
public enum RpcCode
{
    /// <summary>It worked.</summary>
    Ok = 0,

    /// <summary>The caller gave up.</summary>
    Cancelled = 1,

    /// <summary>Something else.</summary>
    Unknown = 2,

    /// <summary>What was asked makes no sense.</summary>
    InvalidArgument = 3,

    /// <summary>The time was up.</summary>
    DeadlineExceeded = 4,

    /// <summary>There is no such thing.</summary>
    NotFound = 5,

    /// <summary>It is there already.</summary>
    AlreadyExists = 6,

    /// <summary>The caller is known and may not.</summary>
    PermissionDenied = 7,

    /// <summary>A limit was reached.</summary>
    ResourceExhausted = 8,

    /// <summary>The state does not allow it.</summary>
    FailedPrecondition = 9,

    /// <summary>Somebody else was first.</summary>
    Aborted = 10,

    /// <summary>Beyond the range.</summary>
    OutOfRange = 11,

    /// <summary>There is no such method.</summary>
    Unimplemented = 12,

    /// <summary>A defect.</summary>
    Internal = 13,

    /// <summary>The peer is not there now; try again.</summary>
    Unavailable = 14,

    /// <summary>Data was lost.</summary>
    DataLoss = 15,

    /// <summary>The caller is not known.</summary>
    Unauthenticated = 16,
}

/// <summary>How a call ended.</summary>
/// <param name="Code">The code.</param>
/// <param name="Message">What is told with it.</param>
public sealed record RpcStatus(RpcCode Code, string Message)
{
    /// <summary>It worked.</summary>
    public static RpcStatus Ok { get; } = new(RpcCode.Ok, "");
}

/// <summary>A call ended with another status than ok; thrown by a handler it becomes the call's status.</summary>
public sealed class RpcException : Exception
{
    /// <summary>Makes one.</summary>
    public RpcException()
    {
    }

    /// <summary>Makes one of code Unknown.</summary>
    /// <param name="message">What is told.</param>
    public RpcException(string message)
        : this(RpcCode.Unknown, message)
    {
    }

    /// <summary>Makes one of code Unknown.</summary>
    /// <param name="message">What is told.</param>
    /// <param name="innerException">What lies behind.</param>
    public RpcException(string message, Exception innerException)
        : this(RpcCode.Unknown, message, innerException)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="code">The code.</param>
    /// <param name="message">What is told.</param>
    /// <param name="innerException">What lies behind.</param>
    public RpcException(RpcCode code, string message, Exception? innerException = null)
        : base(message, innerException) => Status = new RpcStatus(code, message);

    /// <summary>The status.</summary>
    public RpcStatus Status { get; } = new(RpcCode.Unknown, "");

    /// <summary>What came after the messages, by lower-case name; the peer's.</summary>
    public IReadOnlyDictionary<string, string> Trailers { get; init; } = new Dictionary<string, string>();
}
