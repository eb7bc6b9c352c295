using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>A node of a YAML or JSON document, with its place.</summary>
internal abstract record Node(SourcePosition Position);

/// <summary>A scalar; <paramref name="Plain"/> when it stood without quotes, so that it may be a number, a boolean or null.</summary>
internal sealed record ScalarNode(SourcePosition Position, string Value, bool Plain) : Node(Position)
{
    public bool IsNull => Plain && Value is "" or "null" or "~";
}

/// <summary>A mapping, in the order of the document.</summary>
internal sealed record MapNode(SourcePosition Position, IReadOnlyList<(ScalarNode Key, Node Value)> Entries) : Node(Position);

/// <summary>A sequence.</summary>
internal sealed record ListNode(SourcePosition Position, IReadOnlyList<Node> Items) : Node(Position);
