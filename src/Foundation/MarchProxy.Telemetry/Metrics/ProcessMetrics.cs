using System.Diagnostics;
using System.Globalization;

namespace MarchProxy.Telemetry.Metrics;

/// <summary>The metrics that every process has, by the names that Prometheus' own clients use.</summary>
public static class ProcessMetrics
{
    /// <summary>Adds them.</summary>
    /// <param name="registry">Where to.</param>
    /// <param name="version">The version of this build.</param>
    public static void Register(MetricRegistry registry, string version)
    {
        double started = new DateTimeOffset(Process.GetCurrentProcess().StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
        registry.Gauge("marchproxy_build_info", "The version that runs.", "version").Cell(0, version).Set(1);
        registry.Observe("process_cpu_seconds_total", "Processor time used, user and system.", () => Environment.CpuUsage.TotalTime.TotalSeconds);
        registry.Observe("process_resident_memory_bytes", "Resident memory.", () => Environment.WorkingSet);
        registry.Observe("process_start_time_seconds", "Start of the process since the Unix epoch.", () => started);
        registry.Observe("process_open_fds", "Open descriptors.", () => Directory.GetFileSystemEntries("/proc/self/fd").Length);
        registry.Observe("process_max_fds", "Descriptors allowed.", MaxDescriptors);
        registry.Observe("dotnet_gc_heap_bytes", "Bytes in the managed heap.", () => GC.GetTotalMemory(false));
        registry.Observe("dotnet_gc_collections_total", "Garbage collections of any generation.", () => GC.CollectionCount(0));
        registry.Observe("dotnet_allocated_bytes_total", "Bytes allocated since the start.", () => GC.GetTotalAllocatedBytes());
    }

    private static double MaxDescriptors()
    {
        foreach (string line in File.ReadLines("/proc/self/limits"))
        {
            if (!line.StartsWith("Max open files", StringComparison.Ordinal)) continue;
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return double.TryParse(words[3], CultureInfo.InvariantCulture, out double soft) ? soft : double.PositiveInfinity;
        }

        return 0;
    }
}
