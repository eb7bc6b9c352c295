using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Cli.Hosting.Upgrade;

/// <summary>How a running edge is told to make way for a new process: SIGUSR2, <c>marchproxy upgrade</c>, or a process that takes over by itself. Afterwards it drains.</summary>
internal sealed class Upgrades(string? folder, HandOver handOver, ProcessLog log, StopSignals signals) : IAsyncDisposable
{
    /// <summary>The control socket's name in the run folder.</summary>
    public const string SocketName = "edge.sock";

    /// <summary>What <c>marchproxy upgrade</c> asks, with the program behind it when it is another.</summary>
    public const string Upgrade = "upgrade";

    private const PosixSignal User2 = (PosixSignal)12;
    private readonly SemaphoreSlim _one = new(1, 1);
    private PosixSignalRegistration? _signal;
    private ControlSocket? _control;

    /// <summary>Whether another process serves now.</summary>
    public bool IsHandedOver { get; private set; }

    /// <summary>Begins to listen to who may ask.</summary>
    public void Open()
    {
        _signal = StopSignals.On(User2, () => _ = UpgradeAsync("SIGUSR2", null));
        if (folder is null) return;
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            _control = ControlSocket.Open(Path.Combine(folder, SocketName), ServeAsync);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Warn("there is no control socket: marchproxy upgrade will not find this process, SIGUSR2 will", ("folder", folder), ("fault", e.Message));
        }
    }

    /// <summary>Gives the control socket's path free.</summary>
    public async Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _control, null) is { } control) await control.DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _signal?.Dispose();
        await CloseAsync();
    }

    private async Task ServeAsync(Socket socket, string message)
    {
        if (message == UpgradeWire.TakeOver)
        {
            string? fault = await GiveAsync(() => handOver.GiveAsync(socket));
            if (fault is not null) log.Error("another process wanted to take over and failed; this one goes on", ("fault", fault));
        }
        else if (message == Upgrade || message.StartsWith(Upgrade + " ", StringComparison.Ordinal))
        {
            string? program = message.Length > Upgrade.Length ? message[(Upgrade.Length + 1)..] : null;
            (int id, string? fault) = await UpgradeAsync("marchproxy upgrade", program);
            await Task.Run(() => UpgradeWire.Send(socket, fault is null ? string.Create(CultureInfo.InvariantCulture, $"ok {id}") : fault));
        }
    }

    /// <summary>Starts the next process and hands over; tells how it went, and drains when it went well.</summary>
    private async Task<(int Id, string? Fault)> UpgradeAsync(string why, string? program)
    {
        log.Info("upgrading", ("why", why));
        int id = 0;
        string? fault = await GiveAsync(async () =>
        {
            (id, string? reason) = await NextProcess.StartAsync(program, handOver);
            return reason;
        });
        if (fault is not null) log.Error("the upgrade failed; this process goes on", ("why", why), ("fault", fault));
        return (id, fault);
    }

    private async Task<string?> GiveAsync(Func<Task<string?>> give)
    {
        if (!await _one.WaitAsync(0)) return "another upgrade is under way";
        try
        {
            if (IsHandedOver) return "this process has been followed by another already";
            if (await give() is { } fault) return fault;
            IsHandedOver = true;
            log.Info("another process serves now; this one lets what is open end");
            signals.Stop();
            return null;
        }
        finally
        {
            _one.Release();
        }
    }
}
