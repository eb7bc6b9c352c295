using System.Diagnostics;

namespace MarchProxy.Bench.Load;

/// <summary>What a program printed and how it ended.</summary>
internal sealed record Tool(int ExitCode, string Output, string Errors)
{
    /// <summary>The first line that is not empty, of either stream; empty when there is none.</summary>
    public string FirstLine => (Output + "\n" + Errors).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "";

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="BenchException">It cannot be started.</exception>
    public static Tool Run(string program, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new("/usr/bin/env") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[program, .. arguments]) start.ArgumentList.Add(argument);
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        using Process process = Process.Start(start) ?? throw new BenchException($"{program} does not start");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == 127) throw new BenchException($"{program} is not installed: {errors.Result.Trim()}");
        return new Tool(process.ExitCode, output, errors.Result);
    }
}
