using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MarchProxy.Bench.Peers;

/// <summary>A server process with its output in a file; ended when disposed.</summary>
internal sealed class Server : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);
    private readonly Process _process;
    private readonly string _log;
    private readonly string _name;

    /// <summary>Starts the program; its output goes straight to the file, so that this process spends nothing on it.</summary>
    public Server(string name, string log, string program, params IEnumerable<string> arguments)
    {
        (_name, _log) = (name, log);
        ProcessStartInfo start = new("/bin/sh");
        foreach (string argument in (string[])["-c", "exec \"$@\" >\"$LOG\" 2>&1 </dev/null", "sh", program, .. arguments]) start.ArgumentList.Add(argument);
        start.Environment["LOG"] = log;
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        _process = Process.Start(start) ?? throw new BenchException($"{name} does not start");
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    public double CpuSeconds => ProcessTree.CpuSeconds(_process.Id);

    public long ResidentBytes => ProcessTree.ResidentBytes(_process.Id);

    /// <summary>Waits until each port takes connections.</summary>
    /// <exception cref="BenchException">The process ended or the time was up; the message holds the end of its log.</exception>
    public void WaitFor(params IEnumerable<int> ports)
    {
        long began = Stopwatch.GetTimestamp();
        foreach (int port in ports)
        {
            while (!Answers(port))
            {
                if (_process.HasExited) throw new BenchException($"{_name} ended with code {_process.ExitCode}:\n{LogTail()}");
                if (Stopwatch.GetElapsedTime(began) > StartLimit) throw new BenchException($"{_name} does not listen on {port}:\n{LogTail()}");
                _process.WaitForExit(20);
            }
        }
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        Stop();
        _process.Dispose();
    }

    private void Stop()
    {
        if (_process.HasExited) return;
        using (Process term = Process.Start("/bin/kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) term.WaitForExit();
        if (!_process.WaitForExit(3000)) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    private void OnExit(object? sender, EventArgs e) => Stop();

    private string LogTail() => File.Exists(_log) ? string.Join('\n', File.ReadLines(_log).TakeLast(15).Select(l => "    " + l)) : "    no log";

    private static bool Answers(int port)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
