using System.Collections.Concurrent;
using MarchProxy.Model.Identity;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Edge.Identity;

/// <summary>
/// The key sets that services' tokens are verified by, from files and URLs: read ahead of their use, read again every five minutes and when a token names a key that
/// is not there, and kept when reading fails. No request waits for one.
/// </summary>
internal sealed class JwksStore(TimeProvider time, ProcessLog log) : IDisposable
{
    private const int MaxBytes = 1 << 20;
    private static readonly TimeSpan s_refresh = TimeSpan.FromMinutes(5), s_retry = TimeSpan.FromSeconds(10), s_first = TimeSpan.FromSeconds(3);
    private readonly ConcurrentDictionary<string, KeySource> _sources = new(StringComparer.Ordinal);
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = TimeSpan.FromSeconds(10), MaxResponseContentBufferSize = MaxBytes };

    /// <summary>The keys of a service as they are at hand; begins to read them when they are old, or lack the one that is asked for.</summary>
    public JsonWebKeySet? Find(ServiceAuth auth, string? keyId)
    {
        if (auth.Jwks is not { } where) return null;
        KeySource source = _sources.GetOrAdd(where, static _ => new KeySource());
        TimeSpan age = source.ReadAt is { } at ? time.GetElapsedTime(at) : TimeSpan.MaxValue;
        bool wanted = source.Keys is null || (keyId is not null && !source.Keys.Has(keyId));
        if (age > s_refresh || (wanted && age > s_retry)) _ = ReadAsync(where, source);
        return source.Keys;
    }

    /// <summary>Reads the keys that a snapshot will need, for a few seconds at most, and only those never read before: one that cannot be had must not hold up every edit. What does not come is told, and read again on use.</summary>
    public async Task PrepareAsync(Snapshot snapshot)
    {
        Task[] reads =
        [
            .. snapshot.Resources.Services.Select(s => s.Auth.Jwks).OfType<string>().Distinct(StringComparer.Ordinal)
                .Select(where => (where, source: _sources.GetOrAdd(where, static _ => new KeySource()))).Where(s => s.source.ReadAt is null).Select(s => ReadAsync(s.where, s.source)),
        ];
        if (reads.Length > 0) await Task.WhenAny(Task.WhenAll(reads), Task.Delay(s_first, time));
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task ReadAsync(string where, KeySource source)
    {
        if (Interlocked.Exchange(ref source.Reading, 1) == 1) return;
        try
        {
            source.ReadAt = time.GetTimestamp();
            byte[] json = where.StartsWith("http", StringComparison.OrdinalIgnoreCase) ? await _http.GetByteArrayAsync(new Uri(where)) : await ReadFileAsync(where);
            source.Keys = JsonWebKeySet.Parse(json);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or FormatException or OperationCanceledException or UriFormatException)
        {
            log.Warn(source.Keys is null ? "keys cannot be read: tokens that need them are refused" : "keys cannot be read again; the ones at hand stay", ("jwks", where), ("fault", e.Message));
        }
        finally
        {
            Volatile.Write(ref source.Reading, 0);
        }
    }

    private static async Task<byte[]> ReadFileAsync(string path)
    {
        await using FileStream file = File.OpenRead(path);
        return file.Length > MaxBytes ? throw new FormatException($"it is larger than {MaxBytes} bytes") : await File.ReadAllBytesAsync(path);
    }

    private sealed class KeySource
    {
        public int Reading;
        public volatile JsonWebKeySet? Keys;

        public long? ReadAt { get; set; }
    }
}
