using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MarchProxy.Cli.Hosting;

/// <summary>Tells systemd how this process stands (sd_notify(3)), where it was started by one that wants to know; else says nothing.</summary>
internal static class SystemdNotify
{
    /// <summary>It serves; it is the unit's main process from now on.</summary>
    public static void Ready() => Send(string.Create(CultureInfo.InvariantCulture, $"MAINPID={Environment.ProcessId}\nREADY=1\nSTATUS=serving"));

    /// <summary>It drains and ends.</summary>
    public static void Stopping() => Send("STOPPING=1\nSTATUS=draining");

    /// <summary>Sends a state.</summary>
    /// <param name="state">Lines of NAME=VALUE.</param>
    private static void Send(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } path || path[0] is not ('/' or '@')) return;
        try
        {
            // A name in the abstract namespace begins with NUL, which the variable writes as @.
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? '\0' + path[1..] : path));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            // Whoever started us has gone, or never meant it: no reason not to serve.
        }
    }
}
