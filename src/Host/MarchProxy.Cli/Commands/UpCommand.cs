using System.CommandLine;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy up</c>: everything in one process, on loopback.</summary>
internal static class UpCommand
{
    private const string Stored = "resources.yaml";

    public static Command Create(SettingSource settings)
    {
        Option<string> data = SharedOptions.Text(settings, "--data", "The folder that keeps what was applied.", "./data");
        var apply = new Option<string?>("--apply") { Description = "A resource file to apply first; it replaces what the data folder keeps." };
        var demo = new Option<bool>("--demo") { Description = "Two small origins and a client of their own, so that there is something to see." };
        var options = new EdgeOptions(settings);
        var up = new Command("up", "Start everything in one process, on loopback.") { data, apply, demo };
        options.AddTo(up);
        up.SetAction(async (result, cancellation) =>
        {
            if (result.GetValue(demo)) return await Demo.RunAsync(options.Read(result, ""), cancellation);
            string? file = Keep(Path.GetFullPath(result.GetValue(data)!), result.GetValue(apply));
            return file is null ? ExitCodes.Failed : await EdgeHost.RunAsync(options.Read(result, file), null, cancellation);
        });
        return up;
    }

    /// <summary>Puts a valid file into the data folder, so that the next start needs no --apply; tells which file holds.</summary>
    private static string? Keep(string data, string? apply)
    {
        string stored = Path.Combine(data, Stored);
        try
        {
            Directory.CreateDirectory(data);
            if (apply is null && !File.Exists(stored)) File.WriteAllText(stored, "clusters:\n  - name: default\n");
            if (apply is null) return stored;
            ResourceFile checkedFile = ResourceFile.Load(apply);
            foreach (var diagnostic in checkedFile.Diagnostics) Console.Error.WriteLine(diagnostic);
            if (checkedFile.Snapshot is null)
            {
                Console.Error.WriteLine($"{apply}: refused as a whole; nothing was applied.");
                return null;
            }

            // Written beside and renamed: a crash leaves the old file or the new one.
            string fresh = stored + ".new";
            File.Copy(apply, fresh, overwrite: true);
            File.Move(fresh, stored, overwrite: true);
            return stored;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The data folder {data} cannot be used: {e.Message} Name another with --data.");
            return null;
        }
    }
}
