namespace MarchProxy.Control.Changes;

/// <summary>Why a request is refused.</summary>
public enum RefusalKind
{
    /// <summary>There is no such object.</summary>
    NotFound,

    /// <summary>It cannot be while something else is as it is: the object is in use.</summary>
    Conflict,

    /// <summary>Somebody changed it meanwhile, or it exists already.</summary>
    PreconditionFailed,

    /// <summary>It was read and is wrong.</summary>
    Invalid,

    /// <summary>It could not be read.</summary>
    Malformed,

    /// <summary>This actor may not.</summary>
    Forbidden,

    /// <summary>Who asks is not known.</summary>
    Unauthenticated,

    /// <summary>Too often.</summary>
    TooMany,
}

/// <summary>One fault of a request.</summary>
/// <param name="Object">Which object: <c>mapping/billing-to-orders</c>.</param>
/// <param name="Field">Which field; empty for the object.</param>
/// <param name="Message">What is wrong.</param>
/// <param name="Mend">What to do.</param>
public sealed record Fault(string Object, string Field, string Message, string Mend);

/// <summary>A request is refused; nothing was changed.</summary>
public sealed class ControlException : Exception
{
    /// <summary>Makes one.</summary>
    public ControlException()
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">What is told.</param>
    public ControlException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="message">What is told.</param>
    /// <param name="innerException">What lies behind.</param>
    public ControlException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="kind">Why.</param>
    /// <param name="message">What is told.</param>
    /// <param name="faults">Every fault.</param>
    public ControlException(RefusalKind kind, string message, params IReadOnlyList<Fault> faults)
        : base(message)
    {
        Kind = kind;
        Faults = faults;
    }

    /// <summary>Why.</summary>
    public RefusalKind Kind { get; } = RefusalKind.Invalid;

    /// <summary>Every fault.</summary>
    public IReadOnlyList<Fault> Faults { get; } = [];

    /// <summary>What stands now, when somebody else changed it: JSON without secrets.</summary>
    public ReadOnlyMemory<byte> Current { get; init; }

    /// <summary>When to try again, for <see cref="RefusalKind.TooMany"/>.</summary>
    public TimeSpan RetryAfter { get; init; }
}
