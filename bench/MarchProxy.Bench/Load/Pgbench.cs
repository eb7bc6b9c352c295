using System.Globalization;
using System.Text.RegularExpressions;

namespace MarchProxy.Bench.Load;

/// <summary>Closed-loop load by pgbench: its select-only script, one thread, so that it does not take the proxy's core.</summary>
internal static partial class Pgbench
{
    /// <summary>Loads a server.</summary>
    /// <param name="program">Where pgbench is.</param>
    /// <param name="port">The proxy.</param>
    /// <param name="who">User, password and database there.</param>
    /// <param name="mode">simple, extended or prepared.</param>
    /// <param name="clients">How many.</param>
    /// <param name="connectEach">Whether each transaction has a connection of its own.</param>
    /// <param name="duration">How long.</param>
    /// <returns>Transactions done.</returns>
    /// <exception cref="BenchException">pgbench failed, or a transaction did.</exception>
    public static long Run(string program, int port, (string User, string Password, string Database) who, string mode, int clients, bool connectEach, TimeSpan duration)
    {
        string Number(double value) => Math.Max(1, Math.Round(value)).ToString(CultureInfo.InvariantCulture);
        Tool tool = Tool.Run("env", ["PGPASSWORD=" + who.Password, program, "-h", "127.0.0.1", "-p", Number(port), "-U", who.User, "-n", "-S", "-j", "1", "-c", Number(clients), "-M", mode, "-T", Number(duration.TotalSeconds), .. connectEach ? (string[])["-C"] : [], who.Database]);
        Match done = Done().Match(tool.Output), failed = Failed().Match(tool.Output);
        if (tool.ExitCode != 0 || !done.Success || (failed.Success && failed.Groups[1].Value != "0")) throw new BenchException($"pgbench failed: {tool.Output[..Math.Min(tool.Output.Length, 300)]} {tool.Errors[..Math.Min(tool.Errors.Length, 300)]}");
        return long.Parse(done.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("number of transactions actually processed: ([0-9]+)", RegexOptions.None, 1000)]
    private static partial Regex Done();

    [GeneratedRegex("number of failed transactions: ([0-9]+)", RegexOptions.None, 1000)]
    private static partial Regex Failed();
}
