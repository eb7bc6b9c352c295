using MarchProxy.Model.Resources;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace MarchProxy.Model.Intake;

/// <summary>
/// Builds the node tree of a document from YAML events. JSON is read by the same parser, being YAML 1.2. Bounded in size, depth and nodes;
/// aliases are refused, since they can make a small file huge.
/// </summary>
internal sealed class NodeReader(string file, DiagnosticList diagnostics)
{
    /// <summary>5 MiB: 10,000 services and mappings take about three.</summary>
    public const int MaxCharacters = 5 << 20;

    /// <summary>Levels of nesting; resources need six.</summary>
    private const int MaxDepth = 64;

    private const int MaxNodes = 1_000_000;
    private int _nodes;

    public Node? Read(string text)
    {
        if (text.Length > MaxCharacters)
        {
            diagnostics.Error(new SourcePosition(file, 1, 1), "", "", "the file has more than 5 MiB", "split it");
            return null;
        }

        try
        {
            var parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _)) return null;
            parser.Consume<DocumentStart>();
            Node? root = ReadNode(parser, 0);
            if (root is null) return null;
            parser.Consume<DocumentEnd>();
            if (parser.Accept<DocumentStart>(out DocumentStart? second)) Error(second.Start, "the file holds a second document", "write one document a file");
            return root;
        }
        catch (YamlException e)
        {
            Error(e.Start, FirstLine(e), "check the indentation, quotes and brackets of this line and the one above");
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException or InvalidCastException)
        {
            // The scanner's own slips on garbage.
            diagnostics.Error(new SourcePosition(file, 1, 1), "", "", "this is not YAML or JSON", "check the whole file");
            return null;
        }
    }

    private Node? ReadNode(Parser parser, int depth)
    {
        ParsingEvent at = parser.Current!;
        if (depth > MaxDepth || ++_nodes > MaxNodes)
        {
            Error(at.Start, depth > MaxDepth ? "nested deeper than 64 levels" : "more than a million values", "simplify the file");
            return null;
        }

        if (parser.TryConsume<Scalar>(out Scalar? scalar))
        {
            return new ScalarNode(Position(scalar.Start), scalar.Value, scalar.Style is ScalarStyle.Plain);
        }

        if (parser.TryConsume<AnchorAlias>(out AnchorAlias? alias))
        {
            Error(alias.Start, "an alias (*name) is not taken", "write the value out");
            return null;
        }

        return parser.TryConsume<SequenceStart>(out SequenceStart? list) ? ReadList(parser, list, depth) : ReadMap(parser, depth);
    }

    private ListNode? ReadList(Parser parser, SequenceStart start, int depth)
    {
        var items = new List<Node>();
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            if (ReadNode(parser, depth + 1) is not { } item) return null;
            items.Add(item);
        }

        return new ListNode(Position(start.Start), items);
    }

    private MapNode? ReadMap(Parser parser, int depth)
    {
        MappingStart start = parser.Consume<MappingStart>();
        var entries = new List<(ScalarNode Key, Node Value)>();
        var seen = new HashSet<string>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (ReadNode(parser, depth + 1) is not { } key || ReadNode(parser, depth + 1) is not { } value) return null;
            if (key is not ScalarNode name)
            {
                diagnostics.Error(key.Position, "", "", "a key is a list or a map", "write a plain name before the colon");
                continue;
            }

            if (seen.Add(name.Value)) entries.Add((name, value));
            else diagnostics.Error(name.Position, "", name.Value, "the field stands here a second time", "keep one of them");
        }

        return new MapNode(Position(start.Start), entries);
    }

    private static string FirstLine(YamlException e)
    {
        string message = e.InnerException?.Message ?? e.Message;
        int end = message.IndexOfAny(['\r', '\n']);
        return "not YAML: " + (end < 0 ? message : message[..end]);
    }

    private void Error(Mark mark, string message, string mend) => diagnostics.Error(Position(mark), "", "", message, mend);

    private SourcePosition Position(Mark mark) => new(file, (int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));
}
