using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using MarchProxy.Model.Resources;
using MarchProxy.Net.Tls;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Edge.Tls;

/// <summary>
/// Fetches the CA's word on certificates that are to be stapled, in the background, and again long before it ends. One that cannot be had leaves the last good one in place until that
/// ends; no handshake waits.
/// </summary>
internal sealed class OcspStapler(TimeProvider time, ProcessLog log) : IAsyncDisposable
{
    private const int MaxBytes = 64 << 10;
    private const string Responder = "1.3.6.1.5.5.7.48.1";

    /// <summary>After a failure; and how long a word without an end is taken for fresh.</summary>
    private static readonly TimeSpan s_retry = TimeSpan.FromMinutes(1), s_endless = TimeSpan.FromHours(1);

    /// <summary>Between two fetches at most, whatever the CA says: a revocation should not stay unnoticed for a week. And at least: responders are shared.</summary>
    private static readonly TimeSpan s_most = TimeSpan.FromHours(12), s_least = TimeSpan.FromMinutes(1);

    /// <summary>Clocks differ.</summary>
    private static readonly TimeSpan s_skew = TimeSpan.FromMinutes(5);
    private readonly Dictionary<string, Watched> _watched = new(StringComparer.Ordinal);
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(1) }) { Timeout = TimeSpan.FromSeconds(10), MaxResponseContentBufferSize = MaxBytes };

    /// <summary>The staple of a certificate; null when it is to have none. Fetching begins with the first call.</summary>
    public OcspStaple? For(Certificate certificate)
    {
        if (!certificate.Staple) return null;
        lock (_watched)
        {
            if (_watched.TryGetValue(certificate.Chain, out Watched? known)) return known.Staple;
            var watched = new Watched(certificate.Name);
            watched.Running = Task.Run(() => WatchAsync(certificate, watched));
            _watched[certificate.Chain] = watched;
            return watched.Staple;
        }
    }

    /// <summary>Forgets the certificates that a configuration no longer has.</summary>
    public async Task KeepAsync(IEnumerable<Certificate> used)
    {
        var chains = used.Where(c => c.Staple).Select(c => c.Chain).ToHashSet(StringComparer.Ordinal);
        List<Watched> gone = [];
        lock (_watched)
        {
            foreach ((string chain, Watched watched) in _watched.Where(w => !chains.Contains(w.Key)).ToArray())
            {
                _watched.Remove(chain);
                gone.Add(watched);
            }
        }

        foreach (Watched watched in gone) await watched.DisposeAsync();
    }

    /// <summary>Seconds for which each certificate's staple holds yet; zero without one.</summary>
    public IEnumerable<(string Certificate, double Seconds)> Left()
    {
        lock (_watched)
        {
            DateTimeOffset now = time.GetUtcNow();
            return [.. _watched.Values.Select(w => (w.Name, Math.Max(0, ((w.Staple.Until ?? now) - now).TotalSeconds)))];
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await KeepAsync([]);
        _http.Dispose();
    }

    private async Task WatchAsync(Certificate certificate, Watched watched)
    {
        try
        {
            while (true)
            {
                TimeSpan rest = await FetchAsync(certificate, watched);
                await Task.Delay(rest, time, watched.Stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // It is no longer stapled.
        }
        catch (Exception e)
        {
            log.Error("a defect of the proxy's own: a certificate is no longer stapled", ("certificate", certificate.Reference), ("exception", e.ToString()));
        }
    }

    /// <summary>Asks once.</summary>
    /// <returns>How long to rest.</returns>
    private async Task<TimeSpan> FetchAsync(Certificate certificate, Watched watched)
    {
        string fault;
        try
        {
            if (Find(certificate) is not { } responder) throw new FormatException("it names no responder that can be asked by HTTP; write ocsp: off");
            byte[] response = await AskAsync(responder, Ocsp.MakeRequest(certificate.Chain), watched.Stop.Token);
            DateTimeOffset now = time.GetUtcNow();
            OcspAnswer? answer = Ocsp.Read(certificate.Chain, response, out fault);
            if (answer is not null && answer.From - s_skew <= now && (answer.Until is not { } end || end > now))
            {
                DateTimeOffset until = answer.Until ?? now + s_endless;
                if (answer.Status == OcspStatus.Good)
                {
                    watched.Staple.Set(response, until);
                    TimeSpan half = (until - now) / 2;
                    return half < s_least ? s_least : half > s_most ? s_most : half;
                }

                // Showing that would only tell clients sooner what they must know anyway; not showing it leaves the decision to them.
                watched.Staple.Clear();
                fault = answer.Status == OcspStatus.Revoked ? "the CA has revoked it; replace it" : "the CA's responder does not know it";
            }
            else if (answer is not null)
            {
                fault = "the answer is not of this time; compare the clocks";
            }
        }
        catch (Exception e) when (e is HttpRequestException or FormatException or TlsConfigurationException or TaskCanceledException && !watched.Stop.IsCancellationRequested)
        {
            fault = e.Message;
        }

        log.Warn(watched.Staple.Until is null ? "a certificate cannot be stapled" : "a certificate's staple cannot be renewed; the last one stays until it ends", ("certificate", certificate.Reference), ("fault", fault));
        return s_retry;
    }

    private static Uri? Find(Certificate certificate)
    {
        using X509Certificate2 leaf = X509Certificate2.CreateFromPem(certificate.Chain);
        return leaf.Extensions.OfType<X509AuthorityInformationAccessExtension>().SelectMany(e => e.EnumerateUris(Responder))
            .Select(u => Uri.TryCreate(u, UriKind.Absolute, out Uri? uri) && uri.Scheme == "http" ? uri : null).FirstOrDefault(u => u is not null);
    }

    // RFC 6960 appendix A.1
    private async Task<byte[]> AskAsync(Uri responder, byte[] question, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(question);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/ocsp-request");
        using HttpResponseMessage response = await _http.PostAsync(responder, content, cancellation);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync(cancellation);
    }

    private sealed class Watched(string name) : IAsyncDisposable
    {
        public string Name => name;

        public OcspStaple Staple { get; } = new();

        public CancellationTokenSource Stop { get; } = new();

        public Task Running { get; set; } = Task.CompletedTask;

        public async ValueTask DisposeAsync()
        {
            await Stop.CancelAsync();
            await Running;
            Stop.Dispose();
        }
    }
}
