using System.Globalization;

namespace MarchProxy.Bench;

/// <summary>What to measure and how long; from the command line.</summary>
internal sealed record BenchOptions
{
    /// <summary>A group (http, tls, ...), one measure by its name, or <c>all</c>.</summary>
    public string What { get; init; } = "all";

    /// <summary>Rounds a peer is measured in; peers alternate. Five is the least from which a median means something.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>Length of one round. Long enough for thousands of scheduler ticks, short enough that a noisy neighbour hits all peers alike.</summary>
    public TimeSpan Round { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Load before the first round, in which our code is compiled to its final form; the C peers get a quarter of it.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>Peers to run; empty for all that a measure knows.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary>Our executable.</summary>
    public string Executable { get; init; } = "src/Host/MarchProxy.Cli/bin/Release/net10.0/marchproxy";

    /// <summary>Where results go.</summary>
    public string Output { get; init; } = "artifacts/bench";

    /// <summary>Collections of statements and payloads, one folder each; empty for none.</summary>
    public string Corpora { get; init; } = "";

    /// <summary>Keep the temporary folder with configurations and logs.</summary>
    public bool Keep { get; init; }

    public const string Usage = """
        usage: MarchProxy.Bench [MEASURE] [options]

          MEASURE            a group or one measure of it (see below), or all (the default)
          --rounds N         rounds per peer (5)
          --seconds S        length of a round (4)
          --warmup S         load before the first round (6)
          --peers A,B        only these of nginx, haproxy, squid, dante, marchproxy
          --executable PATH  our executable
          --out DIR          where results go (artifacts/bench)
          --corpora DIR      collections for the firewall's rates
          --keep             keep the temporary folder with configurations and logs

        """;

    /// <summary>Reads the command line.</summary>
    /// <exception cref="BenchException">An option is unknown or its value does not parse.</exception>
    public static BenchOptions Parse(ReadOnlySpan<string> args)
    {
        BenchOptions options = new();
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            if (name == "--keep") options = options with { Keep = true };
            else if (!name.StartsWith('-')) options = options with { What = name };
            else if (i + 1 == args.Length) throw new BenchException($"{name} is unknown or wants a value\n\n{Usage}");
            else options = options.With(name, args[++i]);
        }

        return options;
    }

    private BenchOptions With(string name, string value) => name switch
    {
        "--rounds" => this with { Rounds = (int)Number(name, value) },
        "--seconds" => this with { Round = TimeSpan.FromSeconds(Number(name, value)) },
        "--warmup" => this with { WarmUp = TimeSpan.FromSeconds(Number(name, value)) },
        "--peers" => this with { Peers = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) },
        "--executable" => this with { Executable = value },
        "--corpora" => this with { Corpora = value },
        "--out" => this with { Output = value },
        _ => throw new BenchException($"unknown option {name}\n\n{Usage}"),
    };

    private static double Number(string name, string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number > 0
            ? number
            : throw new BenchException($"{name} wants a number above zero, not '{value}'");
}
