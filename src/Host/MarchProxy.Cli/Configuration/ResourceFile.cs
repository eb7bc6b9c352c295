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
    /// <summary>Reads a file; that it cannot be read is a finding too.</summary>
    public static ResourceFile Load(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var fault = new Diagnostic(Severity.Error, new SourcePosition(path, 1, 1), "", "", "the file cannot be read: " + e.Message, "check its path and rights");
            return new ResourceFile(ResourceSet.Empty, null, [fault]);
        }

        var secrets = new HostSecretSource(Path.GetDirectoryName(Path.GetFullPath(path))!);
        IntakeResult intake = path.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? ResourceReader.ReadJson(text, path, secrets)
            : ResourceReader.ReadYaml(text, path, secrets);

        // The validators look at what could be read even when something could not: all errors at once.
        CompileResult compiled = SnapshotCompiler.Compile(intake.Set);
        Diagnostic[] all = [.. intake.Diagnostics.Concat(compiled.Diagnostics).OrderBy(d => d.Position.Line).ThenBy(d => d.Position.Column)];
        return new ResourceFile(intake.Set, intake.HasErrors ? null : compiled.Snapshot, all);
    }
}
