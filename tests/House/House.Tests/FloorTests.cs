using System.Xml.Linq;

namespace MarchProxy.House;

/// <summary>The floors of the house: a project uses only what lies below it, and the data planes and the manager never meet but in the model.</summary>
public sealed class FloorTests
{
    private static readonly Dictionary<string, int> s_floors = new()
    {
        ["MarchProxy.Net"] = 0,
        ["MarchProxy.Model"] = 0,
        ["MarchProxy.Telemetry"] = 1,
        ["MarchProxy.Rpc"] = 1,
        ["MarchProxy.Ebpf"] = 2,
        ["ArticDbm.Protocols"] = 2,
        ["ArticDbm.Security"] = 2,
        ["MarchProxy.Control"] = 3,
        ["MarchProxy.Edge"] = 3,
        ["ArticDbm.Proxy"] = 3,
        ["Killkrill.Ingest"] = 3,
        ["Killkrill.Store"] = 3,
        ["Killkrill.Query"] = 3,
        ["MarchProxy.Cli"] = 4,
    };

    public static TheoryData<string> Projects => new(House.SourceProjects().Select(p => Path.GetRelativePath(House.Root, p)));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_lower_floors(string project)
    {
        string name = Path.GetFileNameWithoutExtension(project);
        Assert.True(s_floors.ContainsKey(name), $"{name} has no floor: add it to the table and to the design.");
        foreach (string reference in References(project))
        {
            Assert.True(s_floors[reference] < s_floors[name] || SameStore(name, reference), $"{name} (floor {s_floors[name]}) references {reference} (floor {s_floors[reference]}).");
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Pure_projects_reference_no_project_that_does_io(string project)
    {
        string name = Path.GetFileNameWithoutExtension(project);
        if (name is "MarchProxy.Model" or "ArticDbm.Protocols" or "ArticDbm.Security") Assert.DoesNotContain("MarchProxy.Net", References(project));
    }

    private static bool SameStore(string name, string reference) =>
        name.StartsWith("Killkrill.", StringComparison.Ordinal) && reference == "Killkrill.Store";

    private static IEnumerable<string> References(string project) => XDocument.Load(Path.Combine(House.Root, project))
        .Descendants("ProjectReference")
        .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
}
