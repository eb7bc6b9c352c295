using System.Collections.Concurrent;
using System.Net;
using ArticDbm.Proxy.Loops;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;
using MarchProxy.Net;
using MarchProxy.Net.Loop;
using MarchProxy.Net.Tcp;
using MarchProxy.Net.Tls;

namespace ArticDbm.Proxy.Listeners;

/// <summary>The open listeners. A new snapshot first opens what is new (a failure changes nothing), then closes what is gone; open sessions are never touched.</summary>
internal sealed class DbListenerSet(LoopGroup loops, DbLoop[] dbs) : IDisposable
{
    private readonly ConcurrentDictionary<string, DbListener> _active = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Endpoints => _active.ToDictionary(a => a.Key, a => a.Value.Endpoint.ToString());

    /// <summary>Opens what a snapshot wants and is not open.</summary>
    /// <returns>What is to be done to put it in force.</returns>
    /// <exception cref="DbConfigurationException">A listener cannot be opened; nothing was changed.</exception>
    public async Task<Func<Task>> PrepareAsync(Snapshot snapshot)
    {
        var opened = new List<DbListener>();
        var kept = new List<DbListener>();
        try
        {
            foreach (Listener listener in snapshot.Listeners.Where(l => l.Purpose == ListenerPurpose.Database && DbProxy.Serves(l.Engine)))
            {
                Certificate[] certificates = [.. (listener.Tls?.Certificates ?? []).Select(name => snapshot.Resources.Certificates.First(c => c.Name == name))];
                if (_active.TryGetValue(listener.Name, out DbListener? active) && IsSame(active, listener, certificates)) kept.Add(active);
                else opened.Add(await OpenAsync(listener, certificates));
            }
        }
        catch
        {
            foreach (DbListener one in opened) await CloseAsync(one);
            throw;
        }

        return async () =>
        {
            foreach (DbListener gone in _active.Values.Except(kept).ToArray())
            {
                _active.TryRemove(gone.Name, out _);
                await CloseAsync(gone);
            }

            foreach (DbListener one in opened) _active[one.Name] = one;
        };
    }

    public async Task CloseAllAsync()
    {
        foreach (DbListener listener in _active.Values) await CloseAsync(listener);
    }

    public void Dispose()
    {
        foreach (DbListener listener in _active.Values) listener.Tls?.Dispose();
    }

    private static bool IsSame(DbListener active, Listener wanted, Certificate[] certificates) =>
        active.Resource.Address == wanted.Address && active.Resource.Port == wanted.Port && active.Resource.Engine == wanted.Engine && active.Resource.Database == wanted.Database && active.Resource.ProxyProtocol == wanted.ProxyProtocol
        && active.Resource.Tls?.MinVersion == wanted.Tls?.MinVersion && active.Resource.Tls?.ClientCa == wanted.Tls?.ClientCa
        && active.Certificates.Select(c => (c.Chain, c.Key)).SequenceEqual(certificates.Select(c => (c.Chain, c.Key)));

    private async Task<DbListener> OpenAsync(Listener listener, Certificate[] certificates)
    {
        Endpoint endpoint = listener.Address.StartsWith("unix:", StringComparison.Ordinal) ? Endpoint.Unix(listener.Address[5..]) : Endpoint.From(IPAddress.Parse(listener.Address), listener.Port);
        bool ours = _active.Values.Any(a => a.Endpoint == endpoint);
        if (!ours && !PortProbe.IsFree(endpoint, udp: false)) throw new DbConfigurationException($"{listener.Reference}: another process listens on {endpoint}. Stop it, or choose another port.");
        var active = new DbListener(listener, endpoint, MakeTls(listener, certificates), certificates);
        try
        {
            foreach (EventLoop loop in loops.Loops)
            {
                DbLoop db = dbs[loop.Id];
                Endpoint where = active.Endpoint;
                TcpListener socket = await loop.InvokeAsync(() => TcpListener.Open(loop, where, connection => db.Accept(connection, active)));
                active.Sockets.Add(socket);
                active.Endpoint = socket.Local;
                if (endpoint.Path is not null) break;
            }
        }
        catch (IOException e)
        {
            await CloseAsync(active);
            throw new DbConfigurationException($"{listener.Reference}: {e.Message} Choose another address or port, or stop what listens there.", e);
        }

        return active;
    }

    private static TlsServerContext? MakeTls(Listener listener, Certificate[] certificates)
    {
        if (listener.Tls is not { } tls) return null;
        try
        {
            return new TlsServerContext(new TlsServerOptions
            {
                Certificates = [.. certificates.Select(c => new TlsCertificate(c.Chain, c.Key))],
                MinVersion = tls.MinVersion == "1.3" ? TlsMinVersion.Tls13 : TlsMinVersion.Tls12,
                ClientCaPem = tls.ClientCa,
                ClientCertificates = tls.ClientCa is null ? ClientCertificateMode.None : ClientCertificateMode.Required,
            });
        }
        catch (TlsConfigurationException e)
        {
            throw new DbConfigurationException($"{listener.Reference}: {e.Message}", e);
        }
    }

    private static async Task CloseAsync(DbListener listener)
    {
        foreach (TcpListener socket in listener.Sockets)
        {
            await socket.Loop.InvokeAsync(() =>
            {
                socket.Dispose();
                return true;
            });
        }

        listener.Sockets.Clear();
    }
}
