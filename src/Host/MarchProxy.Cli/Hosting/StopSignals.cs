using System.Runtime.InteropServices;

namespace MarchProxy.Cli.Hosting;

/// <summary>What the outside tells the process: SIGTERM and SIGINT to drain, once more to end at once, SIGHUP to look at its configuration again.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly TaskCompletionSource _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _atOnce = new();
    private readonly List<IDisposable> _registrations;

    /// <param name="reload">Called on SIGHUP.</param>
    /// <param name="cancellation">As good as a first SIGTERM.</param>
    public StopSignals(Action<string> reload, CancellationToken cancellation) => _registrations =
    [
        cancellation.Register(Stop), On(PosixSignal.SIGTERM, OnStop), On(PosixSignal.SIGINT, OnStop), On(PosixSignal.SIGHUP, () => reload("SIGHUP")),
    ];

    /// <summary>Done once the process is to drain.</summary>
    public Task Stopped => _stop.Task;

    /// <summary>Cancelled when it is not to wait for the drain.</summary>
    public CancellationToken AtOnce => _atOnce.Token;

    /// <summary>Has the process drain.</summary>
    public void Stop() => _stop.TrySetResult();

    /// <summary>Calls an action on a signal, whose usual effect is off.</summary>
    public static PosixSignalRegistration On(PosixSignal signal, Action action) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        action();
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable registration in _registrations) registration.Dispose();
        _atOnce.Dispose();
    }

    private void OnStop()
    {
        if (!_stop.TrySetResult()) _atOnce.Cancel();
    }
}
