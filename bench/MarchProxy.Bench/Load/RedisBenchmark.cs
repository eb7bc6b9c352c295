using System.Globalization;

namespace MarchProxy.Bench.Load;

/// <summary>Closed-loop load by redis-benchmark: fifty clients, values of three bytes, keys of one million.</summary>
internal static class RedisBenchmark
{
    /// <summary>Loads a server.</summary>
    /// <param name="port">The proxy.</param>
    /// <param name="logIn">Options that log in.</param>
    /// <param name="command">get or set.</param>
    /// <param name="pipeline">Commands sent at a time by each client.</param>
    /// <param name="count">Commands in all.</param>
    /// <exception cref="BenchException">redis-benchmark failed.</exception>
    public static void Run(int port, IReadOnlyList<string> logIn, string command, int pipeline, long count)
    {
        string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
        Tool tool = Tool.Run("redis-benchmark", ["-p", Number(port), .. logIn, "-t", command, "-P", Number(pipeline), "-n", Number(count), "-c", "50", "-r", "1000000", "-q"]);
        string said = tool.Output + tool.Errors;
        if (tool.ExitCode != 0 || !said.Contains("requests per second", StringComparison.Ordinal) || said.Contains("Error from server", StringComparison.Ordinal)) throw new BenchException($"redis-benchmark failed: {said[..Math.Min(said.Length, 600)]}");
    }
}
