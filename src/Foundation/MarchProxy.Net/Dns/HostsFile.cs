using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace MarchProxy.Net.Dns;

/// <summary>The names of a hosts(5) file. Lines that make no sense are passed over.</summary>
internal sealed class HostsFile
{
    /// <summary>Names kept: enough for the largest block lists in use, and some tens of megabytes.</summary>
    public const int MaxNames = 200_000;

    private readonly Dictionary<string, ResolveResult> _names = new(StringComparer.OrdinalIgnoreCase);

    private HostsFile()
    {
    }

    /// <summary>Names in the file.</summary>
    public int Count => _names.Count;

    /// <summary>Reads the text of a hosts file. A name on several lines has the addresses of all of them.</summary>
    public static HostsFile Parse(ReadOnlySpan<char> text)
    {
        var hosts = new HostsFile();
        var names = hosts._names.GetAlternateLookup<ReadOnlySpan<char>>();
        Span<byte> wire = stackalloc byte[DnsName.MaxWire];
        foreach (ReadOnlySpan<char> raw in text.EnumerateLines())
        {
            int comment = raw.IndexOf('#');
            ReadOnlySpan<char> line = comment < 0 ? raw : raw[..comment];
            if (!IPAddress.TryParse(NextWord(ref line), out IPAddress? address)) continue;
            for (ReadOnlySpan<char> word = NextWord(ref line); !word.IsEmpty; word = NextWord(ref line))
            {
                if (DnsName.Encode(word, wire) == 0) continue;
                if (word[^1] == '.') word = word[..^1];
                if (names.TryGetValue(word, out ResolveResult? known))
                    names[word] = new ResolveResult(known.Name, ResolveStatus.Ok, AddressOrder.Interleave(known.Addresses.Append(address)));
                else if (hosts.Count < MaxNames)
                    names[word] = new ResolveResult(word.ToString(), ResolveStatus.Ok, [address]);
            }
        }

        return hosts;
    }

    /// <summary>Finds a name, in any case, with or without a trailing dot. Allocates nothing.</summary>
    public bool TryGet(ReadOnlySpan<char> name, [NotNullWhen(true)] out ResolveResult? result)
    {
        if (name is [.., '.']) name = name[..^1];
        return _names.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out result);
    }

    private static ReadOnlySpan<char> NextWord(ref ReadOnlySpan<char> line)
    {
        line = line.TrimStart();
        int end = line.IndexOfAny(' ', '\t');
        ReadOnlySpan<char> word = end < 0 ? line : line[..end];
        line = line[word.Length..];
        return word.TrimEnd();
    }
}
