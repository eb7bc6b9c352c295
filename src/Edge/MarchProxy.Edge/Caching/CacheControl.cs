using System.Text;

namespace MarchProxy.Edge.Caching;

/// <summary>The Cache-Control directives of a request or a response (RFC 9111 section 5.2, RFC 5861, RFC 8246). Ages are in seconds; -1 where there is none.</summary>
internal struct CacheControl
{
    /// <summary>RFC 9111 section 1.2.2: what does not fit counts as 2^31.</summary>
    private const long MaxSeconds = int.MaxValue;

    public CacheControl()
    {
    }

    /// <summary>Whether any directive was there.</summary>
    public bool Any { get; private set; }

    public bool NoStore { get; private set; }

    /// <summary>Also in the form with field names: keeping those fields back only would save little.</summary>
    public bool NoCache { get; private set; }

    /// <summary>Also in the form with field names.</summary>
    public bool Private { get; private set; }

    public bool Public { get; private set; }

    public bool MustRevalidate { get; private set; }

    public bool ProxyRevalidate { get; private set; }

    public bool MustUnderstand { get; private set; }

    public bool NoTransform { get; private set; }

    public bool OnlyIfCached { get; private set; }

    public long MaxAge { get; private set; } = -1;

    public long SharedMaxAge { get; private set; } = -1;

    public long MinFresh { get; private set; } = -1;

    /// <summary>However stale when it came without a number.</summary>
    public long MaxStale { get; private set; } = -1;

    public long StaleWhileRevalidate { get; private set; } = -1;

    public long StaleIfError { get; private set; } = -1;

    // Cache-Control = #cache-directive; cache-directive = token [ "=" ( token / quoted-string ) ]
    /// <summary>Takes one field line over; several add up, and of a directive that comes twice the stricter holds.</summary>
    public void Add(ReadOnlySpan<byte> value)
    {
        while (!value.IsEmpty)
        {
            int length = DirectiveLength(value);
            ReadOnlySpan<byte> directive = value[..length].Trim(" \t"u8);
            value = length < value.Length ? value[(length + 1)..] : default;
            if (directive.IsEmpty) continue;
            int equals = directive.IndexOf((byte)'=');
            ReadOnlySpan<byte> name = equals < 0 ? directive : directive[..equals];
            Apply(name, equals < 0 ? default : directive[(equals + 1)..], equals >= 0);
        }
    }

    /// <summary>Up to the next comma that no quotes enclose.</summary>
    private static int DirectiveLength(ReadOnlySpan<byte> value)
    {
        bool quoted = false;
        for (int i = 0; i < value.Length; i++)
        {
            if (quoted && value[i] == '\\') i++;
            else if (value[i] == '"') quoted = !quoted;
            else if (value[i] == ',' && !quoted) return i;
        }

        return value.Length;
    }

    private void Apply(ReadOnlySpan<byte> name, ReadOnlySpan<byte> argument, bool hasArgument)
    {
        Any = true;
        if (Is(name, "max-age"u8)) MaxAge = Stricter(MaxAge, argument);
        else if (Is(name, "s-maxage"u8)) SharedMaxAge = Stricter(SharedMaxAge, argument);
        else if (Is(name, "no-store"u8)) NoStore = true;
        else if (Is(name, "no-cache"u8)) NoCache = true;
        else if (Is(name, "private"u8)) Private = true;
        else if (Is(name, "public"u8)) Public = true;
        else if (Is(name, "must-revalidate"u8)) MustRevalidate = true;
        else if (Is(name, "proxy-revalidate"u8)) ProxyRevalidate = true;
        else if (Is(name, "must-understand"u8)) MustUnderstand = true;
        else if (Is(name, "no-transform"u8)) NoTransform = true;
        else if (Is(name, "only-if-cached"u8)) OnlyIfCached = true;
        else if (Is(name, "min-fresh"u8)) MinFresh = Math.Max(MinFresh, Seconds(argument));
        else if (Is(name, "max-stale"u8)) MaxStale = hasArgument ? Stricter(MaxStale, argument) : MaxStale < 0 ? MaxSeconds : MaxStale;
        else if (Is(name, "stale-while-revalidate"u8)) StaleWhileRevalidate = Stricter(StaleWhileRevalidate, argument);
        else if (Is(name, "stale-if-error"u8)) StaleIfError = Stricter(StaleIfError, argument);
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted) => name.Length == wanted.Length && Ascii.EqualsIgnoreCase(name, wanted);

    private static long Stricter(long before, ReadOnlySpan<byte> argument) => before < 0 ? Seconds(argument) : Math.Min(before, Seconds(argument));

    // delta-seconds = 1*DIGIT; recipients also take it in quotes. What is no number makes the response stale (section 4.2.1).
    private static long Seconds(ReadOnlySpan<byte> argument)
    {
        if (argument.Length >= 2 && argument[0] == '"' && argument[^1] == '"') argument = argument[1..^1];
        if (argument.IsEmpty) return 0;
        long seconds = 0;
        foreach (byte digit in argument)
        {
            if (digit is < (byte)'0' or > (byte)'9') return 0;
            seconds = Math.Min(MaxSeconds, (seconds * 10) + digit - '0');
        }

        return seconds;
    }
}
