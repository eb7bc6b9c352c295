using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace MarchProxy.Net.Dns;

/// <summary>What a resolv.conf(5) says. Lines that make no sense are passed over, as the C library does.</summary>
internal sealed class ResolvConf
{
    /// <summary>Servers kept; the C library keeps three, but a list of a few more is common with other resolvers.</summary>
    public const int MaxServers = 8;

    /// <summary>Search domains kept: each is a query for a name that does not exist.</summary>
    public const int MaxSearch = 16;

    /// <summary>The servers in order; 127.0.0.1 if the file names none (resolv.conf(5)).</summary>
    public ImmutableArray<IPEndPoint> Servers { get; private set; } = [new IPEndPoint(IPAddress.Loopback, 53)];

    /// <summary>Domains to put behind a relative name, without dots around. The last <c>search</c> or <c>domain</c> line counts.</summary>
    public ImmutableArray<string> Search { get; private set; } = [];

    /// <summary>Dots from which on a name is first tried as it stands: 0–15.</summary>
    public int Ndots { get; private set; } = 1;

    /// <summary><c>options timeout</c>, 1–30 s, or null.</summary>
    public TimeSpan? Timeout { get; private set; }

    /// <summary><c>options attempts</c>, 1–5, or null.</summary>
    public int? Attempts { get; private set; }

    /// <summary>Reads the text of a resolv.conf.</summary>
    public static ResolvConf Parse(ReadOnlySpan<char> text)
    {
        var conf = new ResolvConf();
        ImmutableArray<IPEndPoint>.Builder servers = ImmutableArray.CreateBuilder<IPEndPoint>();
        foreach (ReadOnlySpan<char> line in text.EnumerateLines())
        {
            if (line is ['#' or ';', ..]) continue;
            string[] words = line.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2) continue;
            switch (words[0])
            {
                case "nameserver" when servers.Count < MaxServers && ParseServer(words[1]) is { } server:
                    servers.Add(server);
                    break;
                case "domain":
                    conf.Search = ParseSearch(words.AsSpan(1, 1));
                    break;
                case "search":
                    conf.Search = ParseSearch(words.AsSpan(1));
                    break;
                case "options":
                    foreach (string option in words.AsSpan(1)) conf.ReadOption(option);
                    break;
            }
        }

        if (servers.Count > 0) conf.Servers = servers.ToImmutable();
        return conf;
    }

    /// <summary>An address, or <c>[address]:port</c> as OpenBSD has it.</summary>
    private static IPEndPoint? ParseServer(string word)
    {
        if (!word.StartsWith('[')) return IPAddress.TryParse(word, out IPAddress? plain) ? new IPEndPoint(plain, 53) : null;
        int end = word.IndexOf("]:", StringComparison.Ordinal);
        return end > 0
            && IPAddress.TryParse(word.AsSpan(1, end - 1), out IPAddress? address)
            && ushort.TryParse(word.AsSpan(end + 2), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) && port > 0
            ? new IPEndPoint(address, port)
            : null;
    }

    private static ImmutableArray<string> ParseSearch(ReadOnlySpan<string> words)
    {
        Span<byte> wire = stackalloc byte[DnsName.MaxWire];
        ImmutableArray<string>.Builder search = ImmutableArray.CreateBuilder<string>();
        foreach (string word in words)
        {
            string domain = word.TrimEnd('.');
            if (search.Count < MaxSearch && DnsName.Encode(domain, wire) > 0) search.Add(domain);
        }

        return search.ToImmutable();
    }

    private void ReadOption(string option)
    {
        int colon = option.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !int.TryParse(option.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int value)) return;
        switch (option.AsSpan(0, colon))
        {
            case "ndots":
                Ndots = Math.Min(value, 15);
                break;
            case "timeout":
                Timeout = TimeSpan.FromSeconds(Math.Clamp(value, 1, 30));
                break;
            case "attempts":
                Attempts = Math.Clamp(value, 1, 5);
                break;
        }
    }
}
