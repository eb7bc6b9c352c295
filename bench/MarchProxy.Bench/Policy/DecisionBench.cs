using System.Diagnostics;
using System.Globalization;
using MarchProxy.Model.Addresses;
using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Bench.Policy;

/// <summary>
/// Nanoseconds of one egress decision by name, allowed and refused, with 10, 1,000 and 10,000 services and as many mappings; medians of eleven
/// rounds. The index is worth its keep when the figure hardly grows.
/// </summary>
internal static class DecisionBench
{
    private const int Rounds = 11, Names = 64;
    private static readonly TimeSpan s_round = TimeSpan.FromMilliseconds(100);

    public static void Run()
    {
        Console.WriteLine($"{"egress decision",-24} {"allowed",12} {"refused",12}");
        foreach (int count in new[] { 10, 1_000, 10_000 }) Run(count);
    }

    private static void Run(int count)
    {
        Service[] services = [.. Enumerable.Range(0, count).Select(i => new Service { Name = Name(i), Addresses = [Host(i), "*.sub." + Host(i)] })];
        Mapping[] mappings =
        [
            .. Enumerable.Range(0, count).Select(i => new Mapping
            {
                Name = Name(i),
                Sources = [Name(i)],
                Destinations = [Name((i + 1) % count), Name((i + 3) % count)],
                Ports = PortSet.TryParse("443,8000-8099", out PortSet ports, out _) ? ports : PortSet.Any,
            }),
        ];
        var policy = new EgressPolicy([.. services], [.. mappings]);
        var random = new Random(7);
        (Service Source, string Allowed, string Refused)[] asked =
        [
            .. Enumerable.Range(0, Names).Select(_ =>
            {
                int i = random.Next(count);
                return (services[i], Host((i + 1) % count), Host((i + 2) % count));
            }),
        ];
        double allowed = Measure(i => Decide(policy, asked[i].Source, asked[i].Allowed, MappingEffect.Allow));
        double refused = Measure(i => Decide(policy, asked[i].Source, asked[i].Refused, MappingEffect.Deny));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count,15:N0} mappings {allowed,9:F0} ns {refused,9:F0} ns"));
    }

    private static void Decide(EgressPolicy policy, Service source, string host, MappingEffect expected)
    {
        var request = new EgressRequest
        {
            Authenticated = new ServiceIdentity(source, AuthType.Token),
            Host = host,
            Protocols = EgressProtocols.Https,
            Port = 443,
            Now = DateTimeOffset.UnixEpoch,
        };
        if (policy.Decide(request).Effect != expected) throw new BenchException($"{source.Name} to {host} was not decided as {expected}");
    }

    private static double Measure(Action<int> once)
    {
        for (int i = 0; i < 100_000; i++) once(i % Names);
        double[] rounds = [.. Enumerable.Range(0, Rounds).Select(_ => Round(once)).Order()];
        return rounds[Rounds / 2];
    }

    private static double Round(Action<int> once)
    {
        long start = Stopwatch.GetTimestamp(), count = 0;
        while (Stopwatch.GetElapsedTime(start) < s_round)
        {
            for (int i = 0; i < 1024; i++) once(i % Names);
            count += 1024;
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
    }

    private static string Name(int i) => "service-" + i.ToString(CultureInfo.InvariantCulture);

    private static string Host(int i) => Name(i) + ".example.test";
}
