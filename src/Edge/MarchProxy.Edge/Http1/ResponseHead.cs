namespace MarchProxy.Edge.Http1;

/// <summary>A parsed response head. Call <see cref="SetFraming"/> before reading <see cref="MessageHead.Body"/>.</summary>
internal sealed class ResponseHead : MessageHead
{
    /// <summary>100–599.</summary>
    public int Status { get; internal set; }

    /// <summary>The reason phrase; may be empty.</summary>
    public ByteRange Reason { get; internal set; }

    /// <summary>1xx: the final response is still to come (101 is final: the protocol changes).</summary>
    public bool IsInterim => Status is >= 100 and < 200 and not 101;

    public override void Reset()
    {
        base.Reset();
        Status = 0;
        Reason = default;
    }

    /// <summary>
    /// Settles how the content ends, which depends on the request (RFC 9112 section 6.3). A response that must not have
    /// content but announces some is taken as ended, and its connection is not used again: what follows cannot be trusted.
    /// </summary>
    public void SetFraming(RequestMethod requestMethod)
    {
        bool tunnel = Status == 101 || (requestMethod == RequestMethod.Connect && Status is >= 200 and < 300);
        bool noContent = Status is (>= 100 and < 200) or 204;
        if (tunnel || noContent)
        {
            if (Body != BodyKind.None && !tunnel) KeepAlive = false;
            Body = BodyKind.None;
        }
        else if (requestMethod == RequestMethod.Head || Status == 304)
        {
            Body = BodyKind.None;
        }
        else if (Body == BodyKind.None && ContentLength < 0)
        {
            Body = BodyKind.UntilClose;
            KeepAlive = false;
        }
    }

    internal HttpError Finish(ReadOnlySpan<byte> buffer) => FinishFields(buffer);

    protected override HttpError ApplyRequestField(KnownHeader id, ByteRange value, ReadOnlySpan<byte> buffer, bool first) =>
        HttpError.None;
}
