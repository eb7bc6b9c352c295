using System.Globalization;
using System.Text;

namespace MarchProxy.Rpc.Wire;

/// <summary>What gRPC writes into HTTP/2 header fields (PROTOCOL-HTTP2).</summary>
internal static class Headers
{
    public const string ContentType = "application/grpc", Status = "grpc-status", Message = "grpc-message", Timeout = "grpc-timeout", Encoding = "grpc-encoding", AcceptEncoding = "grpc-accept-encoding";

    /// <summary>At most eight digits and a unit.</summary>
    public static string FormatTimeout(TimeSpan timeout)
    {
        long micros = Math.Max(1, timeout.Ticks / TimeSpan.TicksPerMicrosecond);
        if (micros < 100_000_000) return micros.ToString(CultureInfo.InvariantCulture) + "u";
        long millis = micros / 1000;
        return millis < 100_000_000 ? millis.ToString(CultureInfo.InvariantCulture) + "m" : Math.Min(99_999_999, millis / 1000).ToString(CultureInfo.InvariantCulture) + "S";
    }

    /// <summary>False when it is not one.</summary>
    public static bool TryParseTimeout(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > 9 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number)) return false;
        double seconds = text[^1] switch { 'H' => 3600, 'M' => 60, 'S' => 1, 'm' => 1e-3, 'u' => 1e-6, 'n' => 1e-9, _ => 0 };
        if (seconds == 0) return false;
        timeout = TimeSpan.FromSeconds(Math.Min(number * seconds, TimeSpan.FromDays(3650).TotalSeconds));
        return true;
    }

    /// <summary>Percent-encodes what is not printable ASCII, and the percent sign.</summary>
    public static string Escape(string message)
    {
        var text = new StringBuilder();
        foreach (byte b in System.Text.Encoding.UTF8.GetBytes(message.Length > 4096 ? message[..4096] : message))
        {
            if (b is >= 0x20 and <= 0x7e and not (byte)'%') text.Append((char)b);
            else text.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

    /// <summary>Decodes what can be decoded and leaves the rest, as the specification demands.</summary>
    public static string Unescape(string message) => Uri.UnescapeDataString(message);

    /// <summary>The code of an answer that is not gRPC's.</summary>
    public static RpcCode FromHttp(int status) => status switch
    {
        400 => RpcCode.Internal,
        401 => RpcCode.Unauthenticated,
        403 => RpcCode.PermissionDenied,
        404 => RpcCode.Unimplemented,
        429 or 502 or 503 or 504 => RpcCode.Unavailable,
        _ => RpcCode.Unknown,
    };

    /// <summary>Reads a status from header fields; null when there is none.</summary>
    public static RpcStatus? Read(Func<string, string?> field)
    {
        if (field(Status) is not { } code) return null;
        string message = field(Message) is { } text ? Unescape(text) : "";
        return int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= 16 ? new RpcStatus((RpcCode)number, message) : new RpcStatus(RpcCode.Unknown, message);
    }
}
