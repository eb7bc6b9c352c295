using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Validation;

/// <summary>Judges a whole set of resources: each concern has its own small validator, each finds all its faults.</summary>
public static class Validator
{
    private static readonly Action<ResourceSet, DiagnosticList>[] s_all =
    [
        NameValidator.Validate, ServiceValidator.Validate, MappingValidator.Validate, RouteValidator.Validate, TrafficValidator.Validate, ListenerValidator.Validate, DatabaseValidator.Validate,
    ];

    /// <summary>Every fault of the set.</summary>
    /// <param name="set">The resources.</param>
    public static IReadOnlyList<Diagnostic> Validate(ResourceSet set)
    {
        var diagnostics = new DiagnosticList();
        foreach (Action<ResourceSet, DiagnosticList> validate in s_all) validate(set, diagnostics);
        return diagnostics.Items;
    }
}
