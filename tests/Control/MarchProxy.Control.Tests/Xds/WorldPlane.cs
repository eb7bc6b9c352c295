using System.Text.Json.Nodes;
using MarchProxy.Rpc;
using MarchProxy.Rpc.Client;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Control.Tests.Xds;

/// <summary>A plane of a test's own on the state-of-the-world variant: refuses at random, and finds fault with whatever it should not have been sent.</summary>
internal sealed class WorldPlane(RpcChannel channel, string key, Random random)
{
    private RpcCall<DiscoveryRequest, DiscoveryResponse>? _call;
    private Task _reading = Task.CompletedTask;
    private string? _last;

    public volatile IReadOnlyDictionary<string, string> Held = new Dictionary<string, string>();

    public double RefusalRate { get; set; }

    public string? Fault { get; private set; }

    public async Task ConnectAsync(params string[] names)
    {
        await CloseAsync();
        _last = null;
        _call = channel.Call(DiscoveryMethods.Stream, AdsConvergenceTests.Options(key));
        await _call.WriteAsync(Request(names));
        _reading = ReadAsync(_call, names);
    }

    public async Task CloseAsync()
    {
        if (_call is not null) await _call.DisposeAsync();
        await _reading;
    }

    private static DiscoveryRequest Request(string[] names)
    {
        var request = new DiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType, Node = new Node { Id = "world" } };
        request.ResourceNames.Add(names);
        return request;
    }

    private async Task ReadAsync(RpcCall<DiscoveryRequest, DiscoveryResponse> call, string[] names)
    {
        try
        {
            while (await call.ReadAsync() is { } response) await TakeAsync(call, response, names);
        }
        catch (RpcException)
        {
            // The test closed the stream.
        }
    }

    private async Task TakeAsync(RpcCall<DiscoveryRequest, DiscoveryResponse> call, DiscoveryResponse response, string[] names)
    {
        var all = response.Resources.Select(r => DomainResource.Parser.ParseFrom(r.Value)).ToDictionary(r => $"{r.Kind}/{r.Name}", r => r.Json.ToStringUtf8(), StringComparer.Ordinal);
        string content = string.Join('\n', all.OrderBy(a => a.Key, StringComparer.Ordinal));
        if (content == _last) Fault ??= "the same came twice on one stream";
        _last = content;
        foreach ((string name, string json) in names.Length > 0 ? [] : all.Where(a => a.Key.StartsWith("mappings/", StringComparison.Ordinal)))
        {
            JsonNode mapping = JsonNode.Parse(json)!;
            foreach (JsonNode? party in mapping["sources"]!.AsArray().Concat(mapping["destinations"]!.AsArray()))
            {
                if (!all.ContainsKey("services/" + party)) Fault ??= $"{name} names services/{party}, which is not there";
            }
        }

        foreach (string name in all.Keys.Where(n => names.Length > 0 && !names.Contains(n))) Fault ??= $"{name} was not asked for";
        DiscoveryRequest answer = Request(names);
        answer.ResponseNonce = response.Nonce;
        bool refuse;
        lock (random) refuse = random.NextDouble() < RefusalRate;
        if (refuse) answer.ErrorDetail = new Status { Code = 3, Message = "the test refuses" };
        else (answer.VersionInfo, Held) = (response.VersionInfo, all);
        await call.WriteAsync(answer);
    }
}
