namespace MarchProxy.Edge.Http1;

/// <summary>
/// The proxy's own answers to gRPC clients, which read a status of gRPC and nothing else: 200, Trailers-Only, with the code that an HTTP status stands for
/// (gRPC over HTTP/2, and its mapping of HTTP statuses), as Envoy does.
/// </summary>
internal static class GrpcAnswers
{
    private const int MaxText = 512;

    /// <summary>Appends the head; false, with nothing written, when the buffer's cap does not let it in.</summary>
    public static bool TryWrite(OutBuffer output, in LocalResponse response, HttpDate date)
    {
        if (!output.EnsureRoom((4 * MaxText) + 512)) return false;
        var writer = new ByteWriter(output.Free);
        writer.Append("HTTP/1.1 200 OK\r\nDate: "u8);
        writer.Append(date.Text);
        writer.Append("\r\nContent-Type: application/grpc\r\nGrpc-Status: "u8);
        writer.AppendNumber(StatusOf(response.Status));
        writer.Append("\r\nGrpc-Message: "u8);
        AppendText(ref writer, response.Detail);
        writer.Append("\r\nX-MarchProxy-Reason: "u8);
        AppendText(ref writer, response.Reason);
        if (response.RetryAfterSeconds > 0)
        {
            writer.Append("\r\nRetry-After: "u8);
            writer.AppendNumber(response.RetryAfterSeconds);
        }

        writer.Append("\r\n\r\n"u8);
        output.Commit(writer.Length);
        return true;
    }

    /// <summary>gRPC's code for an HTTP status.</summary>
    public static int StatusOf(int status) => status switch
    {
        400 or 431 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        413 => 8,
        429 or 502 or 503 or 504 => 14,
        _ => 2,
    };

    /// <summary>Percent-encoded where it is not printable ASCII (gRPC over HTTP/2, Status-Message).</summary>
    private static void AppendText(ref ByteWriter writer, string text)
    {
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, MaxText)))
        {
            if (c is >= ' ' and <= '~' and not '%')
            {
                writer.Append((byte)c);
                continue;
            }

            byte b = c < 256 ? (byte)c : (byte)'?';
            writer.Append((byte)'%');
            writer.Append("0123456789ABCDEF"u8[b >> 4]);
            writer.Append("0123456789ABCDEF"u8[b & 0xF]);
        }
    }
}
