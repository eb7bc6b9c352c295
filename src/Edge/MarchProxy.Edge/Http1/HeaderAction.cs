namespace MarchProxy.Edge.Http1;

/// <summary>What a configured header change does.</summary>
internal enum HeaderAction
{
    /// <summary>Replaces all fields of this name by one.</summary>
    Set,

    /// <summary>Adds a field beside those that are there.</summary>
    Add,

    /// <summary>Removes all fields of this name.</summary>
    Remove,
}
