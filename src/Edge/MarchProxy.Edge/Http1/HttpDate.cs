using System.Globalization;

namespace MarchProxy.Edge.Http1;

/// <summary>
/// The current time as IMF-fixdate (RFC 9110 section 5.6.7), formatted once a second. One per loop; the loop's timer or its
/// turn calls <see cref="Refresh"/>.
/// </summary>
internal sealed class HttpDate
{
    /// <summary><c>Sun, 06 Nov 1994 08:49:37 GMT</c>.</summary>
    public const int Length = 29;

    private readonly byte[] _text = new byte[Length];
    private long _second;

    public HttpDate(DateTimeOffset now) => Format(now);

    public ReadOnlySpan<byte> Text => _text;

    /// <summary>Takes over the time; cheap within the same second.</summary>
    public void Refresh(DateTimeOffset now)
    {
        if (now.UtcTicks / TimeSpan.TicksPerSecond != _second) Format(now);
    }

    private void Format(DateTimeOffset now)
    {
        _second = now.UtcTicks / TimeSpan.TicksPerSecond;
        now.UtcDateTime.TryFormat(_text, out _, "R", CultureInfo.InvariantCulture);
    }
}
