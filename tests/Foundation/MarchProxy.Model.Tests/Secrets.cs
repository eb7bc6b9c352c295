using MarchProxy.Model.Intake;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Model.Tests;

/// <summary>Secrets from a dictionary, and files of the examples.</summary>
internal sealed class Secrets(params (string Name, string Value)[] values) : ISecretSource
{
    public string? FromEnvironment(string name) => values.FirstOrDefault(v => v.Name == name).Value;

    public string? FromFile(string path) => values.FirstOrDefault(v => v.Name == path).Value;

    public static Secrets Usual { get; } = new(("BILLING_TOKEN", "billing-secret"), ("REPORTER_SECRET", "reporter-secret"), ("PG_PASSWORD", "pg-secret"), ("MYSQL_PASSWORD", "my-secret"), ("APP_PASSWORD", "app-secret"), ("ANALYST_PASSWORD", "analyst-secret"), ("AFFINITY_SECRET", "affinity-secret-for-tests"));

    public static IntakeResult Read(string yaml) => ResourceReader.ReadYaml(yaml, "test.yaml", Usual);

    /// <summary>The snapshot of a text that must be right.</summary>
    public static Snapshot Compile(string yaml)
    {
        IntakeResult read = Read(yaml);
        Assert.DoesNotContain(read.Diagnostics, d => d.Severity == Severity.Error);
        CompileResult compiled = SnapshotCompiler.Compile(read.Set);
        Assert.True(compiled.Snapshot is not null, string.Join('\n', compiled.Diagnostics));
        return compiled.Snapshot;
    }

    /// <summary>All findings of a text, of the intake and of the validators.</summary>
    public static string[] Findings(string yaml)
    {
        IntakeResult read = Read(yaml);
        return [.. read.Diagnostics.Concat(SnapshotCompiler.Compile(read.Set).Diagnostics).Select(d => d.ToString())];
    }

    public static string Example(string name)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "examples", name);
            if (File.Exists(path)) return File.ReadAllText(path);
        }

        throw new FileNotFoundException(name);
    }
}
