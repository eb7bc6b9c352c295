using System.Buffers.Binary;
using System.Text;
using ArticDbm.Protocols.Postgres;

namespace ArticDbm.Protocols.Tests.Postgres;

public sealed class PgWireTests
{
    [Theory]
    [InlineData("51 00000004", FrameStatus.Ok, 5)]
    [InlineData("51 0000000A", FrameStatus.Ok, 11)]
    [InlineData("51 3FFFFFFF", FrameStatus.Ok, 0x40000000)]
    [InlineData("51 00000003", FrameStatus.Malformed, 0)]
    [InlineData("51 FFFFFFFF", FrameStatus.Malformed, 0)]
    [InlineData("51 40000000", FrameStatus.Malformed, 0)]
    [InlineData("16 03010200", FrameStatus.Malformed, 0)]
    [InlineData("00", FrameStatus.Malformed, 0)]
    [InlineData("51 000000", FrameStatus.NeedMore, 0)]
    [InlineData("", FrameStatus.NeedMore, 0)]
    public void Frames(string hex, FrameStatus status, int length)
    {
        Assert.Equal(status, PgFrame.TryRead(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), out PgFrame frame));
        Assert.Equal(length, frame.Length);
    }

    [Theory]
    [InlineData("00000008 04D2162F", StartupKind.SslRequest)]
    [InlineData("00000008 04D21630", StartupKind.GssEncRequest)]
    [InlineData("00000010 04D2162E 00000001 00000002", StartupKind.Cancel)]
    [InlineData("00000009 00030000 00", StartupKind.Startup)]
    [InlineData("00000009 00030002 00", StartupKind.Startup)]
    [InlineData("00000009 00020000 00", StartupKind.Malformed)]
    [InlineData("00000007 000300", StartupKind.Malformed)]
    [InlineData("FFFFFFFF 00030000", StartupKind.Malformed)]
    [InlineData("00002711 00030000", StartupKind.Malformed)]
    [InlineData("47455420 2F204854", StartupKind.Malformed)]
    [InlineData("00000009 0003", StartupKind.NeedMore)]
    [InlineData("0000", StartupKind.NeedMore)]
    public void First_packets(string hex, StartupKind kind) => Assert.Equal(kind, PgStartup.Read(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal))).Kind);

    [Fact]
    public void What_is_written_is_read()
    {
        var writer = new PgWriter();
        PgMessages.Startup(writer, ("user", "ann"), ("options", "-c x=é"));
        PgStartup start = PgStartup.Read(writer.Written.Span);
        Assert.Equal((StartupKind.Startup, writer.Length), (start.Kind, start.Length));
        Assert.Equal(new Dictionary<string, string> { ["user"] = "ann", ["options"] = "-c x=é" }, PgStartup.Parameters(writer.Written.Span));

        writer.Clear();
        PgMessages.Error(writer, "ERROR", "42501", "no\0hidden", "detail", "hint");
        PgMessages.Ready(writer, TransactionStatus.Failed);
        Assert.Equal(FrameStatus.Ok, PgFrame.TryRead(writer.Written.Span, out PgFrame frame));
        Assert.Equal(new PgError("ERROR", "42501", "no"), PgError.Read(writer.Written.Span[PgFrame.HeaderLength..frame.Length]));
        Assert.Equal("Z\0\0\0\u0005E", Encoding.ASCII.GetString(writer.Written.Span[frame.Length..]));
    }

    [Fact]
    public void A_writer_keeps_its_bound()
    {
        var writer = new PgWriter(2000);
        writer.Begin((byte)'d').Bytes(new byte[1990]).End();
        Assert.Throws<InvalidOperationException>(() => writer.Bytes(new byte[10]));
        Assert.Equal(1995, writer.Length);
    }

    // The value that Python's hashlib makes for user "ann", password "secret" and this salt.
    [Fact]
    public void Md5_answers_as_libpq_does() => Assert.Equal("md59009ce60b9ca97f1e752376843d1309e", PgMd5.Answer("ann", "secret", [1, 2, 3, 4]));

    [Fact]
    public void Garbage_is_never_an_exception()
    {
        var random = new Random(2);
        byte[] bytes = new byte[64];
        for (int i = 0; i < 200_000; i++)
        {
            random.NextBytes(bytes);
            if (random.Next(2) == 0) BinaryPrimitives.WriteInt32BigEndian(bytes, random.Next(0, 80));
            if (random.Next(2) == 0) BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), 3 << 16);
            ReadOnlySpan<byte> data = bytes.AsSpan(0, random.Next(bytes.Length + 1));
            PgFrame.TryRead(data, out _);
            PgStartup start = PgStartup.Read(data);
            if (start.Kind == StartupKind.Startup) PgStartup.Parameters(data[..start.Length]);
            PgError.Read(data);
        }
    }
}
