using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Cli.Configuration;

/// <summary>A resource file on disk, read, validated and compiled.</summary>
/// <param name="Set">What was read.</param>
/// <param name="Snapshot">The snapshot, or null when there are errors.</param>
/// <param name="Diagnostics">Every finding, in the order of the file.</param>
internal sealed record ResourceFile(ResourceSet Set, Snapshot? Snapshot, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>Reads, validates and compiles a file; that it cannot be read is a finding too.</summary>
    public static ResourceFile Load(string path)
    {
        ResourceFile read = Read(path);

        // The validators look at what could be read even when something could not: all errors at once.
        CompileResult compiled = SnapshotCompiler.Compile(read.Set);
        bool wrong = read.Diagnostics.Any(d => d.Severity == Severity.Error);
        Diagnostic[] all = [.. read.Diagnostics.Concat(compiled.Diagnostics).OrderBy(d => d.Position.Line).ThenBy(d => d.Position.Column)];
        return new ResourceFile(read.Set, wrong ? null : compiled.Snapshot, all);
    }

    /// <summary>Reads a file, and leaves it to a manager to judge it beside what it knows.</summary>
    public static ResourceFile Read(string path)
    {
        try
        {
            return Read(path, path == "-" ? Console.In.ReadToEnd() : File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var fault = new Diagnostic(Severity.Error, new SourcePosition(path, 1, 1), "", "", "the file cannot be read: " + e.Message, "check its path and rights");
            return new ResourceFile(ResourceSet.Empty, null, [fault]);
        }
    }

    private static ResourceFile Read(string path, string text)
    {
        var secrets = new HostSecretSource(path == "-" ? Environment.CurrentDirectory : Path.GetDirectoryName(Path.GetFullPath(path))!);
        IntakeResult intake = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? ResourceReader.ReadJson(text, path, secrets) : ResourceReader.ReadYaml(text, path, secrets);
        return new ResourceFile(intake.Set, null, intake.Diagnostics);
    }
}
