using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using MarchProxy.Telemetry.Logs;

namespace MarchProxy.Telemetry.Tests.Logs;

public sealed class JsonLineTests
{
    [Fact]
    public void A_line_is_what_it_says()
    {
        var line = new JsonLine();
        line.Begin();
        line.Time("time"u8, 1_795_220_763_000_042);
        line.String("path"u8, "/a\"b\\c\n"u8);
        line.Number("status"u8, -7);
        line.Millis("ms"u8, 1_234_005);
        line.Bool("ok"u8, true);
        Assert.Equal(
            """{"time":"2026-11-21T00:26:03.000042Z","path":"/a\"b\\c\u000a","status":-7,"ms":1234.005,"ok":true}""" + "\n",
            Encoding.UTF8.GetString(line.End()));
    }

    [Fact]
    public void Any_bytes_give_valid_json_that_reads_back()
    {
        var line = new JsonLine();
        Prop.ForAll<byte[]>(bytes =>
        {
            line.Begin();
            line.String("v"u8, bytes);
            using JsonDocument parsed = JsonDocument.Parse(Encoding.UTF8.GetString(line.End()));
            return parsed.RootElement.GetProperty("v").GetString() == Encoding.UTF8.GetString(bytes);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void A_long_value_is_cut()
    {
        var line = new JsonLine();
        line.Begin();
        line.String("v"u8, new byte[100_000].AsSpan().ToArray());
        Assert.True(line.End().Length <= (JsonLine.MaxValueBytes * 6) + 16);
    }

    [Fact]
    public void Building_allocates_nothing()
    {
        var line = new JsonLine();
        for (int warm = 0; warm < 2; warm++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++)
            {
                line.Begin();
                line.Time("time"u8, 1_795_220_763_000_042 + i);
                line.String("path"u8, "/some/path?with=query"u8);
                line.String("listener"u8, "web");
                line.Number("status"u8, 200);
                line.Millis("ms"u8, i);
                line.End();
            }

            if (warm == 1) Assert.True(GC.GetAllocatedBytesForCurrentThread() - before <= 1024, "only the cached second may be formatted anew");
        }
    }
}
