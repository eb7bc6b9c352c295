namespace MarchProxy.Telemetry.Metrics;

/// <summary>The text formats that scrapers read.</summary>
public enum ExpositionFormat
{
    /// <summary>Prometheus text, version 0.0.4.</summary>
    Prometheus004,

    /// <summary>OpenMetrics 1.0.0.</summary>
    OpenMetrics100,
}

/// <summary>Content negotiation for <see cref="ExpositionFormat"/>.</summary>
public static class ExpositionFormats
{
    /// <summary>The format that an Accept field asks for.</summary>
    /// <param name="accept">The field's value, or null.</param>
    public static ExpositionFormat FromAccept(string? accept) =>
        accept?.Contains("application/openmetrics-text", StringComparison.OrdinalIgnoreCase) == true ? ExpositionFormat.OpenMetrics100 : ExpositionFormat.Prometheus004;

    /// <summary>The Content-Type of a format.</summary>
    /// <param name="format">The format.</param>
    public static string ContentType(this ExpositionFormat format) => format == ExpositionFormat.OpenMetrics100
        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
        : "text/plain; version=0.0.4; charset=utf-8";
}
