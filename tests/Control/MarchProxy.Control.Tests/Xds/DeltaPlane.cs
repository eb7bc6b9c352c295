using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using MarchProxy.Rpc;
using MarchProxy.Rpc.Client;
using MarchProxy.Rpc.Discovery;

namespace MarchProxy.Control.Tests.Xds;

/// <summary>A plane of a test's own: refuses at random, and finds fault with whatever it should not have been sent.</summary>
internal sealed class DeltaPlane(RpcChannel channel, string key, Random random)
{
    private RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse>? _call;
    private Task _reading = Task.CompletedTask;
    private string? _refused;

    public ConcurrentDictionary<string, (string Version, DomainResource Resource)> Held { get; } = new();

    public double RefusalRate { get; set; }

    public string? Fault { get; private set; }

    public string Version { get; private set; } = "";

    public int Responses { get; private set; }

    public int LastSize { get; private set; }

    public async Task ConnectAsync()
    {
        await CloseAsync();
        _refused = null;
        _call = channel.Call(DiscoveryMethods.Delta, AdsConvergenceTests.Options(key));
        var hello = new DeltaDiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType, Node = new Node { Id = "plane" } };
        hello.ResourceNamesSubscribe.Add("*");
        foreach ((string name, (string version, _)) in Held) hello.InitialResourceVersions[name] = version;
        await _call.WriteAsync(hello);
        _reading = ReadAsync(_call);
    }

    public async Task CloseAsync()
    {
        if (_call is not null) await _call.DisposeAsync();
        await _reading;
    }

    public bool Matches(Dictionary<string, string> wanted) => Held.Count == wanted.Count && wanted.All(w => Held.TryGetValue(w.Key, out var held) && held.Version == w.Value);

    private async Task ReadAsync(RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call)
    {
        try
        {
            while (await call.ReadAsync() is { } response) await TakeAsync(call, response);
        }
        catch (RpcException)
        {
            // The test closed the stream.
        }
    }

    private async Task TakeAsync(RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call, DeltaDiscoveryResponse response)
    {
        Responses++;
        LastSize = response.Resources.Count + response.RemovedResources.Count;
        foreach (Rpc.Discovery.Resource resource in response.Resources)
        {
            if (Held.TryGetValue(resource.Name, out var held) && held.Version == resource.Version) Fault ??= $"{resource.Name} was sent unchanged";
        }

        string content = string.Join(',', response.Resources.Select(r => r.Name + r.Version).Concat(response.RemovedResources).Order(StringComparer.Ordinal));
        if (content == _refused) Fault ??= "what was refused came again";
        var answer = new DeltaDiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce };
        bool refuse;
        lock (random) refuse = random.NextDouble() < RefusalRate;
        if (refuse)
        {
            _refused = content;
            answer.ErrorDetail = new Status { Code = 3, Message = "the test refuses" };
        }
        else
        {
            _refused = null;
            foreach (Rpc.Discovery.Resource resource in response.Resources) Held[resource.Name] = (resource.Version, DomainResource.Parser.ParseFrom(resource.Resource_.Value));
            foreach (string name in response.RemovedResources) Held.TryRemove(name, out _);
            Version = response.SystemVersionInfo;
            CheckNames();
        }

        await call.WriteAsync(answer);
    }

    private void CheckNames()
    {
        foreach ((string name, (_, DomainResource resource)) in Held.Where(h => h.Key.StartsWith("mappings/", StringComparison.Ordinal)))
        {
            JsonNode json = JsonNode.Parse(resource.Json.Span)!;
            foreach (JsonNode? party in json["sources"]!.AsArray().Concat(json["destinations"]!.AsArray()))
            {
                if (!Held.ContainsKey("services/" + party)) Fault ??= $"{name} names services/{party}, which is not there";
            }
        }
    }
}
