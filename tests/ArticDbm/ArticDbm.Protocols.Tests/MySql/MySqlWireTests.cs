using ArticDbm.Protocols.MySql;

namespace ArticDbm.Protocols.Tests.MySql;

public sealed class MySqlWireTests
{
    [Theory]
    [InlineData("01000000 03", MySqlMessageStatus.Ok, 5)]
    [InlineData("01000000", MySqlMessageStatus.NeedMore, 5)]
    [InlineData("010000", MySqlMessageStatus.NeedMore, 0)]
    [InlineData("FFFFFF00 03", MySqlMessageStatus.NeedMore, 0x1000003)]
    public void Frames(string hex, MySqlMessageStatus status, long length)
    {
        Assert.Equal(status, MySqlPacket.TryReadMessage(Bytes(hex), out long found, out _));
        Assert.Equal(length, found);
    }

    [Theory]
    [InlineData(0xFFFFFE, 1)]
    [InlineData(0xFFFFFF, 2)]
    [InlineData(0x1FFFFFE, 3)]
    public void What_is_too_long_for_a_packet_is_cut_and_joined_again(int length, int packets)
    {
        byte[] content = new byte[length];
        new Random(7).NextBytes(content);
        var writer = new MySqlWriter();
        MySqlMessages.Raw(writer, 0, content);
        Assert.Equal(length + (packets * MySqlPacket.HeaderLength), writer.Length);
        Assert.Equal(packets, writer.NextSequence);
        Assert.Equal(MySqlMessageStatus.Ok, MySqlPacket.TryReadMessage(writer.Written.Span, out long all, out long payload));
        Assert.Equal((writer.Length, length), (all, payload));
        byte[] joined = new byte[payload];
        MySqlPacket.Join(writer.Written.Span, joined);
        Assert.True(content.AsSpan().SequenceEqual(joined));
    }

    [Fact]
    public void Packets_out_of_order_are_told()
    {
        byte[] message = new byte[MySqlPacket.HeaderLength + MySqlPacket.MaxPayload + MySqlPacket.HeaderLength];
        MySqlPacket.Write(message, MySqlPacket.MaxPayload, 0);
        MySqlPacket.Write(message.AsSpan(MySqlPacket.HeaderLength + MySqlPacket.MaxPayload), 0, 5);
        Assert.Equal(MySqlMessageStatus.OutOfOrder, MySqlPacket.TryReadMessage(message, out _, out _));
    }

    [Fact]
    public void What_is_written_is_read()
    {
        byte[] scramble = [.. Enumerable.Range(1, 20).Select(i => (byte)i)];
        var greeting = new MySqlGreeting("5.5.5-10.11.6-MariaDB", 77, scramble, MySqlCapabilities.Protocol41 | MySqlCapabilities.PluginAuth | MySqlCapabilities.DeprecateEof, 45, MySqlStatus.AutoCommit, MySqlAuth.Native);
        var writer = new MySqlWriter();
        greeting.Write(writer);
        MySqlGreeting read = MySqlGreeting.Read(Payload(writer))!;
        Assert.Equal(scramble, read.Scramble);
        Assert.Equal(greeting, read with { Scramble = scramble });

        var login = new MySqlLogin(
            MySqlCapabilities.Protocol41 | MySqlCapabilities.PluginAuth | MySqlCapabilities.PluginAuthLenEnc | MySqlCapabilities.SecureConnection | MySqlCapabilities.ConnectWithDb | MySqlCapabilities.ConnectAttributes,
            45, "änn", scramble, "crm", MySqlAuth.CachingSha2);
        writer.Clear();
        login.Write(writer, 1);
        MySqlLogin back = MySqlLogin.Read(Payload(writer))!;
        Assert.Equal(scramble, back.Answer);
        Assert.Equal(login, back with { Answer = scramble });

        writer.Clear();
        login.WriteSslRequest(writer);
        Assert.Equal(MySqlLogin.SslRequestLength, Payload(writer).Length);

        writer.Clear();
        MySqlMessages.Error(writer, 1, 1045, "28000", "no");
        Assert.Equal(new MySqlError(1045, "28000", "no"), MySqlError.Read(Payload(writer)));
    }

    [Theory]
    [InlineData("00", 0UL)]
    [InlineData("FA", 250UL)]
    [InlineData("FC FB00", 251UL)]
    [InlineData("FD 563412", 0x123456UL)]
    [InlineData("FE 0807060504030201", 0x0102030405060708UL)]
    public void Numbers_tell_their_length(string hex, ulong value)
    {
        var reader = new MySqlReader(Bytes(hex));
        Assert.Equal(value, reader.Number());
        Assert.True(reader.IsEmpty && !reader.Failed);
        var writer = new MySqlWriter();
        writer.Begin(0).Number(value).End();
        Assert.Equal(Bytes(hex), Payload(writer));
    }

    [Theory]
    [InlineData("FB")]
    [InlineData("FF")]
    [InlineData("FC 00")]
    [InlineData("FE 00000000")]
    [InlineData("")]
    public void Numbers_that_are_none_are_told(string hex)
    {
        var reader = new MySqlReader(Bytes(hex));
        reader.Number();
        Assert.True(reader.Failed);
    }

    [Fact]
    public void Session_state_is_read_out_of_an_ok_packet()
    {
        // OK, no rows, id 5, status AUTOCOMMIT and SESSION_STATE_CHANGED, one warning, "info", then sql_mode = ANSI and the default database "b".
        byte[] payload = Bytes("00 00 05 0240 0100 04 696E666F 14 00 0E 08 73716C5F6D6F6465 04 414E5349 01 02 01 62");
        Assert.True(MySqlOk.TryRead(payload, tracks: true, out MySqlOk ok));
        Assert.Equal((5UL, MySqlStatus.AutoCommit | MySqlStatus.SessionStateChanged, (ushort)1), (ok.LastInsertId, ok.Status, ok.Warnings));
        Assert.Equal("info"u8.ToArray(), payload[(ok.InfoStart + 1)..ok.InfoEnd]);
        var changes = new MySqlStateChanges(payload.AsSpan(ok.StateStart));
        Assert.True(changes.Next());
        Assert.Equal((MySqlStateChange.SystemVariable, "sql_mode", "ANSI"), (changes.Kind, Text(changes.Name), Text(changes.Value)));
        Assert.True(changes.Next());
        Assert.Equal((MySqlStateChange.Schema, "b"), (changes.Kind, Text(changes.Value)));
        Assert.False(changes.Next());
    }

    [Fact]
    public void A_run_is_written_for_another_server_with_its_types()
    {
        byte[] payload = Bytes("17 07000000 00 01000000 00 01 0300 2A000000");
        Assert.True(MySqlExecute.TryRead(payload, 1, out MySqlExecute execute));
        Assert.Equal((7U, (byte)0, 1, 12, 14), (execute.Statement, execute.Flags, execute.Nulls, execute.TypesAt, execute.ValuesAt));

        byte[] untyped = Bytes("17 07000000 00 01000000 00 00 2A000000");
        Assert.True(MySqlExecute.TryRead(untyped, 1, out execute));
        var writer = new MySqlWriter();
        execute.Write(writer, untyped, 9, Bytes("0300"));
        Assert.Equal(Bytes("17 09000000 00 01000000 00 01 0300 2A000000"), Payload(writer));
        Assert.False(MySqlExecute.TryRead(Bytes("17 07000000 00 01000000 00 01 03"), 1, out _));
        Assert.False(MySqlExecute.TryRead(Bytes("17 07000000 00 01000000 00 02"), 1, out _));
        Assert.False(MySqlExecute.TryRead(Bytes("17 07"), 0, out _));
    }

    [Fact]
    public void Garbage_is_read_without_harm()
    {
        var random = new Random(4711);
        for (int i = 0; i < 50_000; i++)
        {
            byte[] garbage = new byte[random.Next(80)];
            random.NextBytes(garbage);
            if (i % 3 == 0 && garbage.Length > 0) garbage[0] = (byte)random.Next(12);
            MySqlGreeting.Read(garbage);
            MySqlLogin.Read(garbage);
            MySqlChangeUser.Read(garbage);
            MySqlError.Read(garbage);
            MySqlExecute.TryRead(garbage, random.Next(20), out _);
            MySqlPrepared.TryRead(garbage, out _);
            MySqlPacket.TryReadMessage(garbage, out _, out _);
            if (MySqlOk.TryRead(garbage, true, out MySqlOk ok) && ok.StateStart > 0)
            {
                var changes = new MySqlStateChanges(garbage.AsSpan(ok.StateStart));
                for (int n = 0; changes.Next(); n++) Assert.True(n < 100);
            }
        }
    }

    private static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes);

    private static byte[] Payload(MySqlWriter writer)
    {
        Assert.True(MySqlPacket.TryRead(writer.Written.Span, out MySqlPacket packet));
        Assert.Equal(writer.Length, packet.Length);
        return writer.Written[MySqlPacket.HeaderLength..].ToArray();
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
