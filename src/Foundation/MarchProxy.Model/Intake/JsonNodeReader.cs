using System.Text;
using System.Text.Json;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Intake;

/// <summary>Builds the node tree of a JSON document (RFC 8259), with the line and column of every value; bounded as YAML is.</summary>
internal ref struct JsonNodeReader
{
    private const int MaxDepth = 64, MaxNodes = 1_000_000;
    private readonly string _file;
    private readonly DiagnosticList _diagnostics;
    private readonly ReadOnlySpan<byte> _text;
    private Utf8JsonReader _reader;
    private int _nodes, _line, _lineStart, _scanned;

    private JsonNodeReader(ReadOnlySpan<byte> text, string file, DiagnosticList diagnostics)
    {
        _file = file;
        _diagnostics = diagnostics;
        _text = text;
        _line = 1;
        _reader = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    /// <summary>The document, or null with an error when it is not JSON or too large.</summary>
    public static Node? Read(ReadOnlySpan<byte> text, string file, DiagnosticList diagnostics)
    {
        if (text.Length > NodeReader.MaxCharacters)
        {
            diagnostics.Error(new SourcePosition(file, 1, 1), "", "", "the document has more than 5 MiB", "split it");
            return null;
        }

        var reader = new JsonNodeReader(text, file, diagnostics);
        try
        {
            reader._reader.Read();
            Node? root = reader.ReadValue();
            if (root is not null && reader._reader.Read()) throw new JsonException("more follows the document");
            return root;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            var position = e is JsonException json
                ? new SourcePosition(file, (int)(json.LineNumber ?? 0) + 1, (int)(json.BytePositionInLine ?? 0) + 1)
                : reader.Position();
            diagnostics.Error(position, "", "", "not JSON: " + e.Message.Split(" LineNumber")[0], "");
            return null;
        }
    }

    private Node? ReadValue()
    {
        SourcePosition at = Position();
        if (++_nodes > MaxNodes)
        {
            _diagnostics.Error(at, "", "", "more than a million values", "split the document");
            return null;
        }

        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadMap(at);
            case JsonTokenType.StartArray:
                var items = new List<Node>();
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                {
                    if (ReadValue() is not { } item) return null;
                    items.Add(item);
                }

                return new ListNode(at, items);
            case JsonTokenType.String:
                return new ScalarNode(at, _reader.GetString()!, Plain: false);
            default:
                return new ScalarNode(at, Encoding.UTF8.GetString(_reader.ValueSpan), Plain: true);
        }
    }

    private MapNode? ReadMap(SourcePosition at)
    {
        var entries = new List<(ScalarNode Key, Node Value)>();
        var seen = new HashSet<string>();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
        {
            var key = new ScalarNode(Position(), _reader.GetString()!, Plain: false);
            _reader.Read();
            if (ReadValue() is not { } value) return null;
            if (seen.Add(key.Value)) entries.Add((key, value));
            else _diagnostics.Error(key.Position, "", key.Value, "the field stands here a second time", "keep one of them");
        }

        return new MapNode(at, entries);
    }

    private SourcePosition Position()
    {
        int at = (int)_reader.TokenStartIndex;
        for (int newline; _scanned < at && (newline = _text[_scanned..at].IndexOf((byte)'\n')) >= 0;)
        {
            _scanned += newline + 1;
            _lineStart = _scanned;
            _line++;
        }

        _scanned = Math.Max(_scanned, at);
        return new SourcePosition(_file, _line, at - _lineStart + 1);
    }
}
