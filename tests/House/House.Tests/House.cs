namespace MarchProxy.House;

/// <summary>Where the repository is, and what is in it.</summary>
internal static class House
{
    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> SourceProjects() => Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories);

    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal) && !f.Contains("/node_modules/", StringComparison.Ordinal));

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MarchProxy.slnx"))) return folder.FullName;
        }

        throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
