using MarchProxy.Edge.Listeners;

namespace MarchProxy.Edge;

/// <summary>
/// The hand-over of listening sockets and UDP flows between two processes. The old one exports its sockets and goes on accepting; when the new one is ready, the old
/// one holds, the new one goes on, and the old one releases. Whatever comes meanwhile waits in the kernel; when the new one fails, the old one resumes.
/// </summary>
public sealed partial class EdgeServer
{
    private bool _released;

    /// <summary>The listening sockets, for another process. The configuration stays as it is until <see cref="ResumeAsync"/> or <see cref="ReleaseAsync"/>.</summary>
    public async Task<IReadOnlyList<HandedSocket>> ExportAsync()
    {
        await _applying.WaitAsync();
        return [.. _listeners?.Export() ?? []];
    }

    /// <summary>The keys of TLS session tickets, for the process after this one alone.</summary>
    public string ExportTicketKeys() => _tickets.Export();

    /// <summary>Takes nothing more from the listening sockets.</summary>
    /// <returns>The UDP flows that are open, for another process to go on with.</returns>
    public async Task<IReadOnlyList<HandedFlow>> HoldAsync()
    {
        if (_listeners is null) return [];
        await _listeners.HoldAsync();
        return await _listeners.ExportFlowsAsync();
    }

    /// <summary>The other process failed: goes on as before.</summary>
    public async Task ResumeAsync()
    {
        if (_listeners is not null) await _listeners.ResumeAsync();
        _applying.Release();
    }

    /// <summary>The other process has the sockets now: closes them here; <see cref="DrainAsync"/> lets what is open end.</summary>
    public async Task ReleaseAsync()
    {
        _released = true;
        if (_listeners is not null) await _listeners.ReleaseAsync();
        _applying.Release();
    }

    /// <summary>Begins to accept on sockets that were handed over, and goes on with the flows; closes what the configuration has no use for.</summary>
    /// <param name="flows">The flows.</param>
    public async Task GoOnAsync(IEnumerable<HandedFlow> flows)
    {
        await _listeners!.AdoptFlowsAsync(flows);
        await _listeners.ResumeAsync();
        _inherited?.Sockets.Dispose();
    }
}
