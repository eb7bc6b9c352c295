namespace MarchProxy.Edge.Http1;

/// <summary>One configured change of a header section; <paramref name="Value"/> is ignored by Remove.</summary>
internal readonly record struct HeaderChange(HeaderAction Action, string Name, string Value = "");
