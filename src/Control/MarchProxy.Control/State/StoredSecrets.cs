using MarchProxy.Model.Intake;

namespace MarchProxy.Control.State;

/// <summary>What the manager stores or is sent holds values, never places on this machine: <c>file:</c> in a request must not read the manager's files.</summary>
internal sealed class StoredSecrets : ISecretSource
{
    public static StoredSecrets Instance { get; } = new();

    public string? FromEnvironment(string name) => null;

    public string? FromFile(string path) => null;
}
