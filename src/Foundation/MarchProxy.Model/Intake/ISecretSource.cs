namespace MarchProxy.Model.Intake;

/// <summary>Where <c>env:NAME</c> and <c>file:PATH</c> in resource files lead.</summary>
public interface ISecretSource
{
    /// <summary>The value of an environment variable, or null.</summary>
    /// <param name="name">The variable.</param>
    string? FromEnvironment(string name);

    /// <summary>The content of a file, or null when it cannot be read.</summary>
    /// <param name="path">The path as written.</param>
    string? FromFile(string path);
}
