using System.Reflection;

namespace MarchProxy.Cli;

/// <summary>The version of this build: vMajor.Minor.Patch from the file <c>.version</c> and the Unix time of the build.</summary>
internal static class BuildVersion
{
    public static string Text { get; } = "v" + Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "BuildVersion").Value;
}
