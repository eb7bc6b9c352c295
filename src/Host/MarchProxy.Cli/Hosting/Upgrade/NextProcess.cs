using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using MarchProxy.Cli.Configuration;

namespace MarchProxy.Cli.Hosting.Upgrade;

/// <summary>Starts the program anew, with the same arguments, to take over from this process.</summary>
internal static class NextProcess
{
    private static readonly UnixFileMode s_ownersAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Starts it and hands over.</summary>
    /// <param name="program">The program; null for the one that this process was started as, which may be another by now.</param>
    /// <param name="handOver">Gives the sockets.</param>
    /// <returns>The new process's id, or why this one goes on.</returns>
    public static async Task<(int Id, string? Fault)> StartAsync(string? program, HandOver handOver)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("marchproxy-upgrade-");
        File.SetUnixFileMode(folder.FullName, s_ownersAlone);
        string path = Path.Combine(folder.FullName, "take-over");
        var outcome = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await using ControlSocket control = ControlSocket.Open(path, async (socket, message) =>
            {
                if (message == UpgradeWire.TakeOver) outcome.TrySetResult(await handOver.GiveAsync(socket));
            });
            using Process process = Start(program, path);
            Task ended = process.WaitForExitAsync();
            if (await Task.WhenAny(outcome.Task, ended, Task.Delay(TimeSpan.FromSeconds(90))) == outcome.Task && await outcome.Task is null) return (process.Id, null);
            string fault = outcome.Task.IsCompleted ? (await outcome.Task)! : ended.IsCompleted ? $"it ended with status {process.ExitCode}; its own log tells why" : "it did not ask for the sockets within 90 s";
            if (!process.HasExited) process.Kill();
            return (process.Id, fault);
        }
        catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception or SocketException or InvalidOperationException)
        {
            return (0, "it cannot be started: " + e.Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The command line that starts the program anew.</summary>
    /// <param name="own">This process's own, argument by argument.</param>
    /// <param name="program">The program to start instead; null for the same.</param>
    internal static List<string> CommandLine(IReadOnlyList<string> own, string? program)
    {
        var line = new List<string>();
        for (int i = 0; i < own.Count; i++)
        {
            // Where this process took over from is no matter of the next one's.
            if (own[i] == "--take-over") i++;
            else if (!own[i].StartsWith("--take-over=", StringComparison.Ordinal)) line.Add(own[i]);
        }

        if (program is null) return line;
        bool hosted = line.Count > 1 && line[1].EndsWith(".dll", StringComparison.Ordinal);
        if (program.EndsWith(".dll", StringComparison.Ordinal)) return [hosted ? line[0] : "dotnet", program, .. line.Skip(hosted ? 2 : 1)];
        return [program, .. line.Skip(hosted ? 2 : 1)];
    }

    private static Process Start(string? program, string path)
    {
        string[] own = Encoding.UTF8.GetString(File.ReadAllBytes("/proc/self/cmdline")).TrimEnd('\0').Split('\0');
        List<string> line = CommandLine(own, program);
        var start = new ProcessStartInfo(line[0]) { UseShellExecute = false };
        foreach (string argument in line.Skip(1)) start.ArgumentList.Add(argument);
        start.Environment[SettingSource.Variable("--take-over")] = path;
        return Process.Start(start) ?? throw new InvalidOperationException("nothing was started");
    }
}
