using System.Diagnostics;
using MarchProxy.Control.Tests.Support;

namespace MarchProxy.Control.Tests.Api;

/// <summary>A foreign generator makes a typed client from the OpenAPI document; TypeScript's compiler checks its use against the document, and the client works.</summary>
public sealed class GeneratedClientTests
{
    [Fact]
    public async Task A_generated_client_compiles_and_works()
    {
        await using ManagerRig rig = await ManagerRig.StartAsync();
        string folder = Path.Combine(Root(), "tests", "clients", "openapi");
        if (!Directory.Exists(Path.Combine(folder, "node_modules"))) await RunAsync(folder, "npm", "ci");
        using (var client = new HttpClient())
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "openapi.json"), await client.GetStringAsync(new Uri(rig.Server.Address, "/openapi/v1.json")));
        }

        await RunAsync(folder, "npm", "run", "generate");
        await RunAsync(folder, "npm", "run", "build");
        Assert.Contains("the generated client works", await RunAsync(folder, "node", "out/use.js", rig.Server.Address.ToString(), ManagerRig.Password), StringComparison.Ordinal);
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MarchProxy.slnx"))) folder = Path.GetDirectoryName(folder)!;
        return folder;
    }

    private static async Task<string> RunAsync(string folder, string program, params string[] arguments)
    {
        using var process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true } };
        process.Start();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await process.WaitForExitAsync(timeout.Token);
        string said = await output + await errors;
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{said}");
        return said;
    }
}
