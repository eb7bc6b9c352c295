namespace MarchProxy.Edge.Http1;

/// <summary>Caps on what one request or response head may cost us before its sender is known to mean well.</summary>
internal readonly record struct HeadLimits
{
    public HeadLimits()
    {
    }

    /// <summary>The values that apply when nothing else is configured.</summary>
    public static HeadLimits Default { get; } = new();

    /// <summary>
    /// Bytes of a whole head, its final empty line included. 32 KiB: the total that Kestrel allows and that nginx's
    /// four 8 KiB buffers hold; beyond it the answer is 431.
    /// </summary>
    public int MaxHeadBytes { get; init; } = 32 * 1024;

    /// <summary>Bytes of the request or status line without its CRLF. 8 KiB, as Kestrel and nginx; beyond it 414.</summary>
    public int MaxRequestLine { get; init; } = 8 * 1024;

    /// <summary>
    /// Bytes of one field line without its CRLF. 16 KiB, HAProxy's buffer: nginx's 8 KiB cuts off Kerberos tickets
    /// and large cookies; beyond it 431.
    /// </summary>
    public int MaxHeaderLine { get; init; } = 16 * 1024;

    /// <summary>Field lines in a head. 100, as Kestrel and Envoy (HAProxy: 101); beyond it 431.</summary>
    public int MaxHeaders { get; init; } = 100;
}
