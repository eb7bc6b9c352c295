using System.Globalization;
using MarchProxy.Control.Changes;

namespace MarchProxy.Control.Api;

/// <summary>Durations in queries, written as in files: 30s, 5m, 24h, 7d.</summary>
internal static class Durations
{
    public static TimeSpan Parse(string text, string field)
    {
        double unit = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 };
        return unit > 0 && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number * unit is >= 0 and < 3.2e8
            ? TimeSpan.FromSeconds(number * unit)
            : throw new ControlException(RefusalKind.Malformed, $"{field}: \"{text}\" is not a duration.", new Fault("query", field, "is not a duration", "write 30m, 24h or 7d"));
    }
}
