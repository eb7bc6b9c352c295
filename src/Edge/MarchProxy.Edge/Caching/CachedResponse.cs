using MarchProxy.Edge.Http1;

namespace MarchProxy.Edge.Caching;

/// <summary>A response that is kept: its head as it is parsed, its content in pieces. It never changes, so that any loop sends it without a lock while it is replaced.</summary>
/// <param name="Head">A response head in HTTP/1.1, framed by Content-Length, without fields of a hop and without Age.</param>
/// <param name="Body">The content.</param>
/// <param name="Length">Bytes of content.</param>
/// <param name="Freshness">How long it may be used.</param>
/// <param name="Selection">What of the request it was chosen by.</param>
internal sealed record CachedResponse(byte[] Head, byte[][] Body, long Length, Freshness Freshness, VarySelection Selection)
{
    /// <summary>What bookkeeping costs: objects, list nodes, the share of the table.</summary>
    private const int Overhead = 512;

    /// <summary>Bytes of memory.</summary>
    public long Size => Overhead + Head.Length + Length + Selection.Values.Length;
}

/// <summary>The request fields that a response was selected by (RFC 9111 section 4.1): their names in lower case, and their values in this order.</summary>
/// <param name="Names">The names of Vary.</param>
/// <param name="Values">The values, normalised, each with a line break behind it.</param>
internal sealed record VarySelection(byte[][] Names, byte[] Values)
{
    /// <summary>Names that a Vary may have, and bytes of all values: beyond it nearly every request is a variant of its own.</summary>
    private const int MaxNames = 8, MaxValues = 4 << 10;

    public static VarySelection None { get; } = new([], []);

    /// <summary>The selection that a response makes; null when it is too much to keep.</summary>
    public static VarySelection? Of(ResponseHead response, ReadOnlySpan<byte> buffer, RequestHead request, ReadOnlySpan<byte> requestBuffer)
    {
        if (!response.Has(KnownHeader.Vary)) return None;
        var names = new List<byte[]>();
        foreach (ref readonly HeaderField field in response.Fields)
        {
            if (field.Id != KnownHeader.Vary) continue;
            var members = new ListMembers(field.Value.In(buffer));
            while (members.MoveNext())
            {
                byte[] name = members.Current.ToArray();
                System.Text.Ascii.ToLowerInPlace(name, out _);
                if (!names.Exists(n => n.AsSpan().SequenceEqual(name))) names.Add(name);
                if (names.Count > MaxNames) return null;
            }
        }

        if (names.Count == 0) return None;
        byte[][] all = [.. names];
        Span<byte> values = stackalloc byte[MaxValues];
        int length = Write(values, all, request, requestBuffer);
        return length < 0 ? null : new VarySelection(all, values[..length].ToArray());
    }

    /// <summary>Whether a request selects the response.</summary>
    public bool Takes(RequestHead request, ReadOnlySpan<byte> buffer)
    {
        if (Names.Length == 0) return true;
        Span<byte> values = stackalloc byte[MaxValues];
        int length = Write(values, Names, request, buffer);
        return length >= 0 && values[..length].SequenceEqual(Values);
    }

    /// <summary>The values of fields, several lines of one joined, blanks around them left out.</summary>
    private static int Write(Span<byte> output, byte[][] names, RequestHead request, ReadOnlySpan<byte> buffer)
    {
        int at = 0;
        foreach (byte[] name in names)
        {
            bool first = true;
            foreach (ref readonly HeaderField field in request.Fields)
            {
                if (field.NameLength != name.Length || !System.Text.Ascii.EqualsIgnoreCase(field.Name.In(buffer), name)) continue;
                ReadOnlySpan<byte> value = field.Value.In(buffer);
                if (at + value.Length + 2 > output.Length) return -1;

                // Present and empty is not absent.
                output[at++] = first ? (byte)'=' : (byte)',';
                first = false;
                value.CopyTo(output[at..]);
                at += value.Length;
            }

            if (at == output.Length) return -1;
            output[at++] = (byte)'\n';
        }

        return at;
    }
}
