using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>Names: DNS labels, once for each kind and cluster.</summary>
internal static class NameValidator
{
    public static void Validate(ResourceSet set, DiagnosticList diagnostics)
    {
        var seen = new Dictionary<(string Kind, string Cluster, string Name), Resource>();
        foreach (Resource resource in set.All)
        {
            if (resource.Name.Length > 0 && !IsLabel(resource.Name))
            {
                diagnostics.Error(
                    resource.Position, resource.Reference, "name", $"\"{resource.Name}\" is not a DNS label",
                    "write up to 63 lower-case letters, digits and dashes, a letter or digit at both ends");
            }

            if (resource.Name == "all" && resource is Service) diagnostics.Error(resource.Position, resource.Reference, "name", "\"all\" means every service", "choose another name");
            if (seen.TryAdd((resource.Kind, resource.Cluster, resource.Name), resource)) continue;
            Resource first = seen[(resource.Kind, resource.Cluster, resource.Name)];
            diagnostics.Error(
                resource.Position, resource.Reference, "name", $"another {resource.Kind} has this name ({first.Position.File}:{first.Position.Line})", "rename one of them");
        }
    }

    public static bool IsLabel(string name) =>
        name.Length is > 0 and <= 63
        && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-')
        && name[0] != '-' && name[^1] != '-';
}
