using System.Text.RegularExpressions;

namespace MarchProxy.House;

/// <summary>What keeps the tree readable.</summary>
public sealed class TidinessTests
{
    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = File.ReadAllText(Path.Combine(House.Root, "MarchProxy.slnx"));
        foreach (string folder in new[] { "src", "tests", "bench" })
        {
            foreach (string project in House.Files(folder, "*.csproj")) Assert.Contains(Path.GetRelativePath(House.Root, project), solution, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_file_is_longer_than_25_000_characters()
    {
        foreach (string folder in new[] { "src", "tests", "docs" })
        {
            foreach (string file in House.Files(folder, "*.*").Where(f => f.EndsWith(".cs", StringComparison.Ordinal) || f.EndsWith(".md", StringComparison.Ordinal)))
            {
                Assert.True(File.ReadAllText(file).Length <= 25_000, $"{file}: split it by concern.");
            }
        }
    }

    [Fact]
    public void Nothing_is_left_undone_in_the_sources()
    {
        var undone = new Regex(@"\b(TODO|FIXME|HACK)\b|NotImplementedException", RegexOptions.NonBacktracking);
        foreach (string file in House.Files("src", "*.cs")) Assert.False(undone.IsMatch(File.ReadAllText(file)), $"{file}: finish it.");
    }

    [Fact]
    public void Package_versions_stand_in_one_place()
    {
        foreach (string folder in new[] { "src", "tests", "bench" })
        {
            foreach (string project in House.Files(folder, "*.csproj"))
            {
                Assert.False(Regex.IsMatch(File.ReadAllText(project), "<PackageReference[^>]*Version="), $"{project}: the version belongs into Directory.Packages.props.");
            }
        }
    }
}
