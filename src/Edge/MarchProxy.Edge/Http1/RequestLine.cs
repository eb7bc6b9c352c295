using System.Buffers.Binary;
using System.Text;

namespace MarchProxy.Edge.Http1;

/// <summary><c>request-line = method SP request-target SP HTTP-version</c> (RFC 9112 section 3), with single spaces.</summary>
internal static class RequestLine
{
    private const int VersionLength = 8;

    /// <summary>Parses the line from <see cref="RequestHead.Start"/> up to the CR at <paramref name="end"/>.</summary>
    public static HttpError Parse(ReadOnlySpan<byte> buffer, RequestHead head, int end)
    {
        int start = head.Start;
        ReadOnlySpan<byte> line = buffer[start..end];
        if (line.SequenceEqual("PRI * HTTP/2.0"u8)) return HttpError.Http2Preface;

        int methodEnd = AsciiSet.Token.IndexOfOther(line, 0);
        if (methodEnd == line.Length) return HttpError.RequestLine;
        if (methodEnd == 0 || line[methodEnd] != ' ') return HttpError.Method;
        int target = methodEnd + 1;
        int targetEnd = AsciiSet.Target.IndexOfOther(line, target);
        if (targetEnd == line.Length) return HttpError.RequestLine;
        if (targetEnd == target || line[targetEnd] != ' ') return HttpError.Target;

        HttpError error = ParseVersion(line[(targetEnd + 1)..], out int minor);
        if (error != HttpError.None) return error;
        head.MinorVersion = minor;
        head.MethodName = new ByteRange(start, methodEnd);
        head.Method = MethodOf(line[..methodEnd]);
        head.Target = new ByteRange(start + target, targetEnd - target);
        return ParseTarget(buffer, head);
    }

    /// <summary><c>HTTP-version = "HTTP/" DIGIT "." DIGIT</c>, case-sensitive (RFC 9112 section 2.3).</summary>
    internal static HttpError ParseVersion(ReadOnlySpan<byte> version, out int minor)
    {
        const ulong Http11 = 0x312E312F50545448;
        const ulong Http10 = 0x302E312F50545448;
        minor = 1;
        if (version.Length == VersionLength)
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(version);
            if (word == Http11) return HttpError.None;
            minor = 0;
            if (word == Http10) return HttpError.None;
        }

        bool other = version.Length == VersionLength && version.StartsWith("HTTP/"u8)
            && char.IsAsciiDigit((char)version[5]) && version[6] == '.' && char.IsAsciiDigit((char)version[7]);
        return other ? HttpError.Version : HttpError.RequestLine;
    }

    private static RequestMethod MethodOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        3 when name.SequenceEqual("GET"u8) => RequestMethod.Get,
        3 when name.SequenceEqual("PUT"u8) => RequestMethod.Put,
        4 when name.SequenceEqual("POST"u8) => RequestMethod.Post,
        4 when name.SequenceEqual("HEAD"u8) => RequestMethod.Head,
        5 when name.SequenceEqual("PATCH"u8) => RequestMethod.Patch,
        5 when name.SequenceEqual("TRACE"u8) => RequestMethod.Trace,
        6 when name.SequenceEqual("DELETE"u8) => RequestMethod.Delete,
        7 when name.SequenceEqual("OPTIONS"u8) => RequestMethod.Options,
        7 when name.SequenceEqual("CONNECT"u8) => RequestMethod.Connect,
        _ => RequestMethod.Other,
    };

    // RFC 9112 section 3.2
    private static HttpError ParseTarget(ReadOnlySpan<byte> buffer, RequestHead head)
    {
        ReadOnlySpan<byte> target = head.Target.In(buffer);
        if (head.Method == RequestMethod.Connect) return ParseAuthority(buffer, head);
        if (target[0] == '/')
        {
            head.Form = TargetForm.Origin;
            head.Path = head.Target;
            return HttpError.None;
        }

        if (target.SequenceEqual("*"u8))
        {
            if (head.Method != RequestMethod.Options) return HttpError.Method;
            head.Form = TargetForm.Asterisk;
            head.Path = head.Target;
            return HttpError.None;
        }

        return ParseAbsolute(buffer, head, target);
    }

    // authority-form = uri-host ":" port
    private static HttpError ParseAuthority(ReadOnlySpan<byte> buffer, RequestHead head)
    {
        if (!HostPort.TryParse(buffer, head.Target, out HostPort host) || host.Port == 0) return HttpError.Target;
        head.Form = TargetForm.Authority;
        head.Authority = head.Target;
        head.Host = host;
        return HttpError.None;
    }

    // absolute-form = scheme "://" authority path-abempty [ "?" query ]
    private static HttpError ParseAbsolute(ReadOnlySpan<byte> buffer, RequestHead head, ReadOnlySpan<byte> target)
    {
        int colon = target.IndexOf((byte)':');
        if (colon <= 0 || !target[colon..].StartsWith("://"u8)) return HttpError.Target;
        ReadOnlySpan<byte> scheme = target[..colon];
        head.Scheme = Ascii.EqualsIgnoreCase(scheme, "http"u8) ? TargetScheme.Http
            : Ascii.EqualsIgnoreCase(scheme, "https"u8) ? TargetScheme.Https
            : TargetScheme.None;
        if (head.Scheme == TargetScheme.None) return HttpError.TargetScheme;

        int authority = colon + 3;
        int length = target[authority..].IndexOfAny((byte)'/', (byte)'?');
        if (length < 0) length = target.Length - authority;
        if (target.Slice(authority, length).Contains((byte)'@')) return HttpError.TargetUserInfo;

        int start = head.Target.Start;
        head.Form = TargetForm.Absolute;
        head.Authority = new ByteRange(start + authority, length);
        head.Path = new ByteRange(start + authority + length, target.Length - authority - length);
        if (!HostPort.TryParse(buffer, head.Authority, out HostPort host)) return HttpError.Target;
        head.Host = host;
        return HttpError.None;
    }
}
