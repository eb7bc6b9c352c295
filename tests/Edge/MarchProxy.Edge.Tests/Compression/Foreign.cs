using System.Diagnostics;

namespace MarchProxy.Edge.Tests.Compression;

/// <summary>A program that reads what we wrote and is not ours.</summary>
internal static class Foreign
{
    public static byte[] Run(string program, string arguments, byte[] input)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        using var output = new MemoryStream();
        Task reading = process.StandardOutput.BaseStream.CopyToAsync(output);
        process.StandardInput.BaseStream.Write(input);
        process.StandardInput.Close();
        Assert.True(reading.Wait(TimeSpan.FromSeconds(30)));
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.ToArray();
    }
}
