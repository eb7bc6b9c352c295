using System.Text;

namespace MarchProxy.Edge.Http1;

/// <summary>A parsed request head; meaningful once <see cref="HeadParser.ParseRequest"/> returned <see cref="ParseStatus.Ok"/>.</summary>
internal sealed class RequestHead : MessageHead
{
    private ByteRange _hostValue;

    /// <summary>The method when it is a known one.</summary>
    public RequestMethod Method { get; internal set; }

    /// <summary>The method's bytes.</summary>
    public ByteRange MethodName { get; internal set; }

    /// <summary>The request target as it was sent.</summary>
    public ByteRange Target { get; internal set; }

    public TargetForm Form { get; internal set; }

    /// <summary>Scheme of an absolute-form target, otherwise None.</summary>
    public TargetScheme Scheme { get; internal set; }

    /// <summary>
    /// Path and query; empty for authority-form, <c>*</c> for asterisk-form. An absolute-form target may leave it empty or
    /// begin it with <c>?</c>: <see cref="HeadWriter"/> then puts the slash before it.
    /// </summary>
    public ByteRange Path { get; internal set; }

    /// <summary>
    /// <c>host[:port]</c> that the request is for: the target's when it has one, otherwise the Host field's. Empty only for
    /// an HTTP/1.0 request without Host.
    /// </summary>
    public ByteRange Authority { get; internal set; }

    /// <summary><see cref="Authority"/> in parts.</summary>
    public HostPort Host { get; internal set; }

    /// <summary>HTTP/1.1 with <c>Expect: 100-continue</c> (RFC 9110 section 10.1.1).</summary>
    public bool ExpectContinue { get; private set; }

    /// <summary>Offset of the request line: 2 when an empty line was skipped before it (RFC 9112 section 2.2), otherwise 0.</summary>
    public int Start { get; internal set; }

    public override void Reset()
    {
        base.Reset();
        Method = RequestMethod.Other;
        MethodName = default;
        Target = default;
        Form = TargetForm.Origin;
        Scheme = TargetScheme.None;
        Path = default;
        Authority = default;
        Host = default;
        ExpectContinue = false;
        Start = 0;
        _hostValue = default;
    }

    /// <summary>The checks that need the whole head: framing, persistence, and whom the request is for.</summary>
    internal HttpError Finish(ReadOnlySpan<byte> buffer)
    {
        HttpError error = FinishFields(buffer);
        if (error != HttpError.None) return error;

        // RFC 9110 sections 9.3.6 and 9.3.8.
        if (Body != BodyKind.None && Method is RequestMethod.Connect or RequestMethod.Trace) return HttpError.UnexpectedBody;
        ExpectContinue &= MinorVersion == 1;
        return FinishHost(buffer);
    }

    protected override HttpError ApplyRequestField(KnownHeader id, ByteRange value, ReadOnlySpan<byte> buffer, bool first)
    {
        if (id == KnownHeader.Host)
        {
            _hostValue = value;
            return first ? HttpError.None : HttpError.DuplicateHost;
        }

        ExpectContinue = Ascii.EqualsIgnoreCase(value.In(buffer), "100-continue"u8);
        return ExpectContinue ? HttpError.None : HttpError.Expectation;
    }

    // RFC 9112 section 3.2. A target with an authority wins over Host; for a proxy that decides by name, two names are a lie.
    private HttpError FinishHost(ReadOnlySpan<byte> buffer)
    {
        bool targetNamesHost = Form is TargetForm.Absolute or TargetForm.Authority;
        if (!Has(KnownHeader.Host)) return MinorVersion == 1 ? HttpError.HostMissing : HttpError.None;
        if (!HostPort.TryParse(buffer, _hostValue, out HostPort host)) return HttpError.Host;
        if (!targetNamesHost)
        {
            Authority = _hostValue;
            Host = host;
            return HttpError.None;
        }

        int defaultPort = Form == TargetForm.Authority ? Host.Port : Scheme == TargetScheme.Https ? 443 : 80;
        return Host.Names(buffer, host, defaultPort) ? HttpError.None : HttpError.HostMismatch;
    }
}
