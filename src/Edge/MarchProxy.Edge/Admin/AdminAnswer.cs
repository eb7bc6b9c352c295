namespace MarchProxy.Edge.Admin;

/// <summary>A request to the admin port that a role answers itself.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">The path.</param>
/// <param name="Query">The query, with its question mark; empty for none.</param>
public readonly record struct AdminRequest(string Method, string Path, string Query);

/// <summary>A role's own answer.</summary>
/// <param name="Status">The status.</param>
/// <param name="Json">The content.</param>
public readonly record struct AdminAnswer(int Status, ReadOnlyMemory<byte> Json);
