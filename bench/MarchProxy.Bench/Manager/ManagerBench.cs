using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MarchProxy.Bench.Load;
using MarchProxy.Bench.Peers;
using MarchProxy.Bench.Site;
using MarchProxy.Rpc.Client;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Bench.Manager;

/// <summary>
/// The manager of one <c>marchproxy up</c>: from the answer to an edit to the first request decided anew, with few objects and with 10,000 services and mappings; reads a
/// CPU-second; memory of a thousand idle streams.
/// </summary>
internal static class ManagerBench
{
    private const int Edits = 200, Objects = 10_000, Streams = 1_000;
    private const string Password = "a password for the bench", Token = "token-of-the-bench";

    public static void Run() => RunAsync().GetAwaiter().GetResult();

    private static async Task RunAsync()
    {
        string folder = Directory.CreateTempSubdirectory("marchproxy-bench-").FullName;
        int api = Ports.Free(), xds = Ports.Free(), admin = Ports.Free(), forward = Ports.Free();
        Environment.SetEnvironmentVariable("MARCHPROXY_ADMIN_PASSWORD", Password);
        using var origin = new BulkSource();
        using var server = new Server(
            "marchproxy", Path.Combine(folder, "log"), Path.GetFullPath(new BenchOptions().Executable), "up", "--data", Path.Combine(folder, "data"), "--manager-listen", At(api), "--xds-listen", At(xds),
            "--admin-listen", At(admin), "--access-log", "off");
        server.WaitFor(api, xds, admin);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{At(api)}/api/v1/"), Timeout = TimeSpan.FromMinutes(2) };
        JsonNode pair = (await (await http.PostAsJsonAsync("auth/login", new { email = "admin", password = Password })).Content.ReadFromJsonAsync<JsonNode>())!;
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", pair["accessToken"]!.ToString());
        await ApplyAsync(http, $$"""
            services:
              - { name: asks, auth: { type: token, token: "{{Token}}" } }
              - { name: asked, addresses: [asked.test], resolve: { asked.test: [127.0.0.1] }, allowAddresses: [127.0.0.0/8] }
            mappings: [{ name: m, sources: [asks], destinations: [asked], protocols: [tcp] }]
            listeners: [{ name: forward, port: {{forward}}, purpose: forward-proxy }]
            """);
        server.WaitFor(forward);
        await EditsAsync(http, forward, origin.Port, "few objects", server);
        await ReadsAsync(http, api, server);
        await StreamsAsync(http, xds, server);

        var many = new StringBuilder("services:\n");
        for (int i = 0; i < Objects; i++) many.Append(CultureInfo.InvariantCulture, $"  - {{ name: s{i}, addresses: [s{i}.test] }}\n");
        many.Append("mappings:\n");
        for (int i = 0; i < Objects; i++) many.Append(CultureInfo.InvariantCulture, $"  - {{ name: m{i}, sources: [s{i}], destinations: [s{(i + 1) % Objects}] }}\n");
        long began = Stopwatch.GetTimestamp();
        await ApplyAsync(http, many.ToString());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"apply of {Objects:N0} services and {Objects:N0} mappings: {Stopwatch.GetElapsedTime(began).TotalSeconds:F1} s"));
        await EditsAsync(http, forward, origin.Port, "20,000 objects", server);
    }

    /// <summary>Turns the mapping over and over; after each answer asks until the decision is the new one.</summary>
    private static async Task EditsAsync(HttpClient http, int forward, int target, string name, Server server)
    {
        var latencies = new List<double>();
        var answers = new List<double>();
        double cpu = server.CpuSeconds;
        for (int i = 0; i < Edits; i++)
        {
            bool allow = i % 2 == 1;
            long asked = Stopwatch.GetTimestamp();
            using (HttpResponseMessage response = await http.PatchAsync("mappings/m", new StringContent(allow ? "{\"effect\":\"allow\"}" : "{\"effect\":\"deny\"}", Encoding.UTF8, "application/json"))) response.EnsureSuccessStatusCode();
            long answered = Stopwatch.GetTimestamp();
            answers.Add(Stopwatch.GetElapsedTime(asked, answered).TotalMilliseconds);
            while (Ask(forward, target) != allow)
            {
                if (Stopwatch.GetElapsedTime(answered).TotalSeconds > 10) throw new BenchException("an edit did not take effect in 10 s");
            }

            latencies.Add(Stopwatch.GetElapsedTime(answered).TotalMilliseconds);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"edit to effect, {name}: p50 {At(latencies, 0.5):F1} ms, p99 {At(latencies, 0.99):F1} ms; the answer itself p50 {At(answers, 0.5):F1} ms; {(server.CpuSeconds - cpu) * 1000 / Edits:F1} ms of CPU an edit, manager and edge together"));
    }

    private static bool Ask(int forward, int target)
    {
        using Socket socket = Loopback.Connect(forward);
        string credential = Convert.ToBase64String(Encoding.ASCII.GetBytes("asks:" + Token));
        socket.Send(Encoding.ASCII.GetBytes($"CONNECT asked.test:{target} HTTP/1.1\r\nHost: asked.test:{target}\r\nProxy-Authorization: Basic {credential}\r\n\r\n"));
        byte[] answer = new byte[12];
        int got = 0;
        while (got < answer.Length && socket.Receive(answer.AsSpan(got)) is > 0 and int n) got += n;
        return answer.AsSpan().SequenceEqual("HTTP/1.1 200"u8);
    }

    private static async Task ReadsAsync(HttpClient http, int api, Server server)
    {
        string bearer = "Authorization: " + http.DefaultRequestHeaders.Authorization;
        string[] arguments = ["-t1", "-c32", "--latency", "-H", bearer, $"http://{At(api)}/api/v1/services/asked"];
        Tool.Run("wrk", ["-d3s", .. arguments]);
        double cpu = server.CpuSeconds;
        Tool tool = Tool.Run("wrk", ["-d5s", .. arguments]);
        cpu = server.CpuSeconds - cpu;
        string Line(string what) => tool.Output.Split('\n').First(l => l.Contains(what, StringComparison.Ordinal)).Trim();
        double rate = double.Parse(Line("Requests/sec").Split(':')[1].Trim(), CultureInfo.InvariantCulture);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"authenticated GETs: {rate:N0} a second, {rate * 5 / cpu:N0} a CPU-second; latency at full load {Line("99%")}"));
        await Task.CompletedTask;
    }

    private static async Task StreamsAsync(HttpClient http, int xds, Server server)
    {
        JsonNode key = (await (await http.PostAsync("clusters/default/keys", null)).Content.ReadFromJsonAsync<JsonNode>())!;
        var options = new RpcCallOptions { Metadata = new Dictionary<string, string> { ["authorization"] = "Bearer " + key["key"] } };
        double before = server.ResidentBytes / 1e6;
        var channels = new List<RpcChannel>();
        var calls = new List<RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse>>();
        for (int i = 0; i < Streams; i++)
        {
            var channel = new RpcChannel(new Uri($"http://{At(xds)}"));
            channels.Add(channel);
            RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call = channel.Call(DiscoveryMethods.Delta, options);
            calls.Add(call);
            await call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType, Node = new Node { Id = "idle" } });
            DeltaDiscoveryResponse first = await call.ReadAsync() ?? throw new BenchException("a stream ended");
            await call.WriteAsync(new DeltaDiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType, ResponseNonce = first.Nonce });
        }

        double after = server.ResidentBytes / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Streams:N0} idle streams, a connection each: {after - before:F0} MB more, {after:F0} MB resident with everything else of the process"));
        foreach (var call in calls) await call.DisposeAsync();
        foreach (RpcChannel channel in channels) channel.Dispose();
    }

    private static async Task ApplyAsync(HttpClient http, string yaml)
    {
        using HttpResponseMessage response = await http.PostAsync("apply", new StringContent(yaml, Encoding.UTF8, "application/yaml"));
        if (!response.IsSuccessStatusCode) throw new BenchException(await response.Content.ReadAsStringAsync());
    }

    private static double At(List<double> values, double share) => values.Order().ElementAt((int)Math.Min(values.Count - 1, Math.Ceiling(values.Count * share) - 1));

    private static string At(int port) => new IPEndPoint(IPAddress.Loopback, port).ToString();
}
