using System.Text;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Telemetry.Tests.Logs;

public sealed class LogWriterTests
{
    [Fact]
    public async Task Lines_arrive_whole_and_in_order()
    {
        var sink = new Collected();
        var writer = new LogWriter([sink]);
        var batch = new LineBatch(writer);
        for (int i = 0; i < 20_000; i++) batch.Append(Encoding.ASCII.GetBytes($"line {i}\n"));
        batch.Flush();
        await writer.DisposeAsync();
        Assert.Equal(0, writer.DroppedLines);
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => $"line {i}"), sink.Text.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task A_sink_that_hangs_costs_lines_and_never_time()
    {
        using var gate = new ManualResetEventSlim();
        var sink = new Collected { Gate = gate };
        var writer = new LogWriter([sink], queueBlocks: 2);
        var batch = new LineBatch(writer);
        for (int i = 0; i < 50; i++)
        {
            batch.Append("x\n"u8);
            batch.Flush();
        }

        long dropped = writer.DroppedLines;
        Assert.InRange(dropped, 46, 48);
        gate.Set();
        await writer.DisposeAsync();
        Assert.Equal(50 - dropped, sink.Text.Count(c => c == '\n'));
    }

    [Fact]
    public async Task A_sink_that_hangs_or_throws_costs_the_others_nothing()
    {
        using var gate = new ManualResetEventSlim();
        var good = new Collected();
        var writer = new LogWriter([new Collected { Gate = gate, Name = "slow" }, new Collected { Fault = new InvalidOperationException("broken"), Name = "broken" }, good], queueBlocks: 64);
        var batch = new LineBatch(writer);
        for (int i = 0; i < 60; i++)
        {
            batch.Append("x\n"u8);
            batch.Flush();
        }

        await MarchProxy.Tests.Eventually.HoldsAsync(() => good.Text.Length == 120 && writer.Sinks.Single(s => s.Name == "broken").Failures == 60);
        Assert.Equal(0, writer.Sinks.Single(s => s.Name == "good").Dropped);
        gate.Set();
        await writer.DisposeAsync();
    }

    [Fact]
    public async Task A_file_that_others_cut_or_move_is_appended_to()
    {
        string folder = Directory.CreateTempSubdirectory("marchproxy-log-").FullName;
        string path = Path.Combine(folder, "access.log");
        using (FileSink sink = FileSink.Append(path))
        {
            sink.Write("one\n"u8);
            await File.AppendAllTextAsync(path, "other\n");
            sink.Write("two\n"u8);
            Assert.Equal("one\nother\ntwo\n", await File.ReadAllTextAsync(path));
            await File.WriteAllTextAsync(path, "");
            sink.Write("three\n"u8);
            Assert.Equal("three\n", await File.ReadAllTextAsync(path));
            File.Move(path, path + ".1");
            sink.Reopen();
            sink.Write("four\n"u8);
            Assert.Equal("four\n", await File.ReadAllTextAsync(path));
        }

        Assert.Throws<IOException>(() => FileSink.Append(Path.Combine(folder, "none", "x.log")));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_process_log_holds_floods_back_and_says_so()
    {
        var time = new MarchProxy.Tests.ManualTimeProvider();
        using var output = new StringWriter();
        var log = new ProcessLog(output, json: true, LogLevel.Info, time);
        for (int i = 0; i < 25; i++) log.Warn("again", ("n", i));
        log.Debug("unseen");
        time.Advance(TimeSpan.FromSeconds(1));
        log.Warn("again");
        string[] lines = output.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal(11, lines.Length);
        Assert.Contains("\"suppressed\":15", lines[^1], StringComparison.Ordinal);
    }

    private sealed class Collected : ILogSink
    {
        private readonly StringBuilder _text = new();

        public ManualResetEventSlim? Gate { get; init; }

        public Exception? Fault { get; init; }

        public string Name { get; init; } = "good";

        public string Text => _text.ToString();

        public void Write(ReadOnlySpan<byte> lines)
        {
            Gate?.Wait();
            if (Fault is not null) throw Fault;
            _text.Append(Encoding.ASCII.GetString(lines));
        }

        public void Reopen() => _text.Clear();
    }
}
