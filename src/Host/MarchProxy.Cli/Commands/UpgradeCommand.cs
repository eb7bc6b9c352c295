using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting.Upgrade;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy upgrade</c>: has the running edge start its program anew and hand its sockets over.</summary>
internal static class UpgradeCommand
{
    /// <summary>Where the control socket is looked for when nobody names a folder.</summary>
    private static readonly string[] s_usual = ["/run/marchproxy", "./data"];

    public static Command Create(SettingSource settings)
    {
        Option<string?> folder = SharedOptions.RunFolder(settings);
        var program = new Option<string?>("--program") { Description = "The program to start; the one that the edge was started as when left out." };
        var upgrade = new Command("upgrade", "Replace the running edge by a new process without dropping a connection.") { folder, program };
        upgrade.SetAction((result, cancellation) => RunAsync(result.GetValue(folder), result.GetValue(program)));
        return upgrade;
    }

    private static async Task<int> RunAsync(string? folder, string? program)
    {
        string[] paths = [.. (folder is null ? s_usual : [folder]).Select(f => Path.Combine(Path.GetFullPath(f), Upgrades.SocketName))];
        if (paths.FirstOrDefault(File.Exists) is not { } path)
        {
            await Console.Error.WriteLineAsync($"No edge runs with {string.Join(" or ", paths)}. Name its --run-folder, or send it SIGUSR2.");
            return ExitCodes.Failed;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 120_000, SendTimeout = 5_000 };
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
            socket.Blocking = true;
            string answer = await Task.Run(() =>
            {
                UpgradeWire.Send(socket, program is null ? Upgrades.Upgrade : $"{Upgrades.Upgrade} {Path.GetFullPath(program)}");
                return UpgradeWire.Receive(socket);
            });
            bool done = answer.StartsWith("ok ", StringComparison.Ordinal);
            await (done ? Console.Out : Console.Error).WriteLineAsync(done ? string.Create(CultureInfo.InvariantCulture, $"Process {answer[3..]} serves now; the one before it drains.") : $"The upgrade failed, and the running edge goes on: {answer}.");
            return done ? ExitCodes.Ok : ExitCodes.Failed;
        }
        catch (Exception e) when (e is IOException or SocketException or ArgumentException)
        {
            await Console.Error.WriteLineAsync($"{path}: {e.Message} The edge that made it may have ended.");
            return ExitCodes.Failed;
        }
    }
}
