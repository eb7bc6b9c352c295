using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using MarchProxy.Rpc.Client;

namespace MarchProxy.Rpc.Discovery;

/// <summary>One step of a configuration: what to put in and take out to get from the version before to the next.</summary>
/// <param name="Version">The version that it leads to.</param>
/// <param name="Changed">Resources with their versions.</param>
/// <param name="Removed">Names that are gone.</param>
public sealed record ConfigStep(string Version, IReadOnlyList<(string Version, DomainResource Resource)> Changed, IReadOnlyList<string> Removed);

/// <summary>Where a plane gets its configuration from, and who it is.</summary>
public sealed record ConfigStreamOptions
{
    /// <summary>The manager: http://HOST:18000.</summary>
    public required Uri Address { get; init; }

    /// <summary>An API key of the plane's cluster.</summary>
    public required string Key { get; init; }

    /// <summary>The plane's name, unique in its cluster.</summary>
    public required string Name { get; init; }

    /// <summary>PEM of the CA that the manager's certificate comes from; null for the system's.</summary>
    public string? CaPem { get; init; }

    /// <summary>Between two tries to reach the manager: from this, doubling, up to <see cref="MaxBackoff"/>. Default 100 ms.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest wait. Default 5 s: a manager that is back is found soon, and a thousand planes do not flood it.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>
/// A plane's side of the discovery stream: asks for what it lacks, hands each step to be put in force, answers ACK or NACK, and comes back after every loss with the
/// versions that it has, so that only differences travel.
/// </summary>
public sealed class ConfigStream : IDisposable
{
    private readonly ConfigStreamOptions _options;
    private readonly RpcChannel _channel;
    private readonly Dictionary<string, string> _known;
    private readonly RpcCallOptions _call;

    /// <summary>Makes a stream; nothing happens before <see cref="RunAsync"/>.</summary>
    /// <param name="options">Where to, and who.</param>
    /// <param name="known">Versions of what the plane has from earlier, by name.</param>
    public ConfigStream(ConfigStreamOptions options, IReadOnlyDictionary<string, string> known)
    {
        _options = options;
        _known = known.ToDictionary(StringComparer.Ordinal);
        _channel = new RpcChannel(options.Address, new RpcChannelOptions { KeepAlive = TimeSpan.FromSeconds(5), KeepAliveTimeout = TimeSpan.FromSeconds(5) }, handler => Trust(handler, options.CaPem));
        _call = new RpcCallOptions { Metadata = new Dictionary<string, string> { ["authorization"] = "Bearer " + options.Key } };
    }

    private readonly Channel<bool> _soon = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Told when the stream is there, and when it is lost, with the reason.</summary>
    public Action<bool, string>? OnConnection { get; init; }

    /// <summary>Whether the manager is there.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>Runs until cancelled.</summary>
    /// <param name="apply">Puts a step in force; null when it holds, else why not: the step is refused whole.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task RunAsync(Func<ConfigStep, Task<string?>> apply, CancellationToken cancellation)
    {
        TimeSpan wait = _options.MinBackoff;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await OnceAsync(apply, () => wait = _options.MinBackoff, cancellation);
                Lost("the manager ended the stream");
            }
            catch (RpcException e)
            {
                if (cancellation.IsCancellationRequested) return;
                Lost($"{e.Status.Code}: {e.Status.Message}");
            }

            // Spread out, so that planes that lost the same manager do not come back at the same moment.
            double spread = 0.5 + Random.Shared.NextDouble();
            try
            {
                await Task.Delay(wait * spread, _options.Time, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            wait = TimeSpan.FromTicks(Math.Min(wait.Ticks * 2, _options.MaxBackoff.Ticks));
        }
    }

    /// <summary>Reports, as often as the manager asks for, until cancelled; a manager that is away is tried again with the next report.</summary>
    /// <param name="report">Makes a report.</param>
    /// <param name="answered">Told that the manager has the last report.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task ReportAsync(Func<Task<PlaneReport>> report, Action answered, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            TimeSpan interval = TimeSpan.FromSeconds(1);
            try
            {
                await using RpcCall<PlaneReport, PlaneReportAnswer> call = _channel.Call(DiscoveryMethods.Report, _call, cancellation);
                while (true)
                {
                    await call.WriteAsync(await report());
                    if (await call.ReadAsync() is not { } answer) break;
                    answered();
                    interval = TimeSpan.FromMilliseconds(Math.Clamp(answer.IntervalMs, 100, 60_000));
                    await NextAsync(interval, cancellation);
                }
            }
            catch (Exception e) when (e is RpcException or OperationCanceledException)
            {
                if (cancellation.IsCancellationRequested) return;
            }

            try
            {
                await Task.Delay(interval, _options.Time, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Has the next report come at once instead of at its time. Safe from any thread, and does not wait.</summary>
    public void ReportSoon() => _soon.Writer.TryWrite(true);

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    /// <summary>Waits for the next report's time, or for somebody who has something to tell.</summary>
    private async Task NextAsync(TimeSpan interval, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await Task.WhenAny(Task.Delay(interval, _options.Time, over.Token), _soon.Reader.WaitToReadAsync(over.Token).AsTask());
        await over.CancelAsync();
        _soon.Reader.TryRead(out _);
        cancellation.ThrowIfCancellationRequested();
    }

    private async Task OnceAsync(Func<ConfigStep, Task<string?>> apply, Action alive, CancellationToken cancellation)
    {
        await using RpcCall<DeltaDiscoveryRequest, DeltaDiscoveryResponse> call = _channel.Call(DiscoveryMethods.Delta, _call, cancellation);
        var hello = new DeltaDiscoveryRequest { TypeUrl = DiscoveryMethods.DomainType, Node = new Node { Id = _options.Name, UserAgentName = "marchproxy" } };
        hello.ResourceNamesSubscribe.Add("*");
        hello.InitialResourceVersions.Add(_known);
        await call.WriteAsync(hello);
        while (await call.ReadAsync() is { } response)
        {
            if (!IsConnected)
            {
                IsConnected = true;
                alive();
                OnConnection?.Invoke(true, "");
            }

            string? refusal = await TryAsync(apply, response);
            var answer = new DeltaDiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce };
            if (refusal is not null) answer.ErrorDetail = new Status { Code = (int)RpcCode.InvalidArgument, Message = refusal };
            await call.WriteAsync(answer);
        }
    }

    private async Task<string?> TryAsync(Func<ConfigStep, Task<string?>> apply, DeltaDiscoveryResponse response)
    {
        ConfigStep step;
        try
        {
            step = new ConfigStep(
                response.SystemVersionInfo, [.. response.Resources.Select(r => (r.Version, DomainResource.Parser.ParseFrom(r.Resource_.Value)))], [.. response.RemovedResources]);
        }
        catch (Google.Protobuf.InvalidProtocolBufferException e)
        {
            return "a resource cannot be read: " + e.Message;
        }

        if (await apply(step) is { } refusal) return refusal;
        foreach (Resource resource in response.Resources) _known[resource.Name] = resource.Version;
        foreach (string name in response.RemovedResources) _known.Remove(name);
        return null;
    }

    private static void Trust(SocketsHttpHandler handler, string? caPem)
    {
        if (caPem is null) return;
        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(caPem);
        handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
    }

    private void Lost(string why)
    {
        bool was = IsConnected;
        IsConnected = false;
        OnConnection?.Invoke(false, was ? why : "the manager cannot be had: " + why);
    }
}
