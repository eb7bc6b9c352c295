using System.Globalization;
using System.Text.RegularExpressions;

namespace MarchProxy.Bench.Load;

/// <summary>TLS handshakes one after another by openssl s_time: nothing is asked once the handshake is done.</summary>
internal static partial class Handshakes
{
    /// <summary>Makes handshakes for a while.</summary>
    /// <param name="port">The server.</param>
    /// <param name="resumed">Whether each takes up the session of the one before; by TLS 1.2, the only version in which s_time can.</param>
    /// <param name="duration">How long.</param>
    /// <returns>How many there were.</returns>
    /// <exception cref="BenchException">s_time failed, or sessions were not taken up.</exception>
    public static long Run(int port, bool resumed, TimeSpan duration)
    {
        string seconds = Math.Max(1, Math.Round(duration.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        Tool tool = Tool.Run("openssl", ["s_time", "-connect", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "-time", seconds, resumed ? "-reuse" : "-new", resumed ? "-tls1_2" : "-tls1_3"]);
        Match count = Count().Match(tool.Output);
        if (!count.Success) throw new BenchException($"openssl s_time failed with {tool.ExitCode}: {tool.Output[^Math.Min(tool.Output.Length, 200)..]}{tool.Errors}");
        long made = long.Parse(count.Groups[1].ValueSpan, CultureInfo.InvariantCulture);

        // It prints an r for a session that was taken up and a t for one that was not.
        string marks = tool.Output[(tool.Output.LastIndexOf("starting", StringComparison.Ordinal) is >= 0 and var at ? at + 8 : 0)..count.Index];
        int taken = marks.Count(c => c == 'r'), fresh = marks.Count(c => c == 't' || c == '*');
        if (resumed && fresh > taken / 100) throw new BenchException($"{fresh} of {fresh + taken} handshakes did not take up the session");
        return made > 0 ? made : throw new BenchException("no handshake was made");
    }

    [GeneratedRegex(@"([0-9]+) connections in [0-9.]+ real seconds", RegexOptions.None, 1000)]
    private static partial Regex Count();
}
