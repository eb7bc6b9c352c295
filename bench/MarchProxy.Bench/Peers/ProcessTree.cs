using System.Globalization;

namespace MarchProxy.Bench.Peers;

/// <summary>Sums over a process and all that descend from it, from /proc.</summary>
internal static class ProcessTree
{
    /// <summary>USER_HZ, the unit of times in /proc/PID/stat; 100 on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>User and system time, in seconds.</summary>
    public static double CpuSeconds(int root) => Members(root).Sum(pid => Stat(pid) is { } s ? (Number(s[11]) + Number(s[12])) / TicksPerSecond : 0);

    /// <summary>Resident memory, in bytes; pages that processes share count once for each.</summary>
    public static long ResidentBytes(int root) => Members(root).Sum(ResidentOf);

    private static List<int> Members(int root)
    {
        ILookup<int, int> children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0)
            .Where(pid => pid > 0)
            .Select(pid => (Pid: pid, Stat: Stat(pid)))
            .Where(p => p.Stat is not null)
            .ToLookup(p => (int)Number(p.Stat![1]), p => p.Pid);
        List<int> members = [root];
        for (int i = 0; i < members.Count; i++) members.AddRange(children[members[i]]);
        return members;
    }

    /// <summary>The fields of /proc/PID/stat from the third on (proc(5)); the second is a name that may hold blanks.</summary>
    private static string[]? Stat(int pid)
    {
        try
        {
            string line = File.ReadAllText($"/proc/{pid}/stat");
            return line[(line.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long ResidentOf(int pid)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return line is null ? 0 : Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
