using MarchProxy.Cli.Configuration;
using MarchProxy.Control;
using MarchProxy.Control.Changes;
using MarchProxy.Control.Storage;
using MarchProxy.Model.Intake;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Cli.Hosting;

/// <summary>Starts a manager and tells what its operator must know.</summary>
internal static class ManagerHost
{
    /// <summary>Starts it; null with the reason logged when it cannot.</summary>
    public static async Task<bool> StartAsync(ManagerServer manager, ProcessLog log)
    {
        try
        {
            await manager.StartAsync();
        }
        catch (Exception e) when (e is StoreException or IOException or Model.Secrets.SecretBoxException)
        {
            log.Error("the manager cannot start", ("fault", e.Message));
            return false;
        }

        log.Info("manager ready", ("api", manager.Address.ToString()), ("xds", manager.XdsAddress.ToString()));
        if (manager.FirstPassword is { } password) await Console.Error.WriteLineAsync($"\nThe first administrator is \"admin\", the password {password} (shown this once).\n");
        return true;
    }

    /// <summary>Applies a resource file as <c>up --apply</c> does.</summary>
    /// <returns>False when it was refused; every fault is told.</returns>
    public static async Task<bool> ApplyAsync(ManagerServer manager, string file)
    {
        ResourceFile read = ResourceFile.Read(file);
        foreach (Diagnostic diagnostic in read.Diagnostics) await Console.Error.WriteLineAsync(diagnostic.ToString());
        if (read.Diagnostics.Any(d => d.Severity == Severity.Error))
        {
            await Console.Error.WriteLineAsync($"{file}: refused as a whole; nothing was applied.");
            return false;
        }

        try
        {
            ChangeResult result = await manager.Manager.ChangeAsync(new ChangeRequest { Actor = new Actor("up --apply", ""), Comment = "up --apply " + Path.GetFileName(file), Put = [.. read.Set.All] });
            foreach (ObjectChange change in result.Objects.Where(o => o.Token is not null)) await Console.Error.WriteLineAsync($"The token of {change.Key.Name} is {change.Token} (shown this once).");
            return true;
        }
        catch (ControlException e)
        {
            foreach (Fault fault in e.Faults) await Console.Error.WriteLineAsync($"{file}: error: {fault.Object} {fault.Field}: {fault.Message}; {fault.Mend}");
            await Console.Error.WriteLineAsync($"{file}: {e.Message}");
            return false;
        }
    }
}
