using MarchProxy.Net.Netlink;

namespace MarchProxy.Net.Tests.Netlink;

/// <summary>The messages of packet queues: as the kernel's headers lay them out, and whatever else comes.</summary>
public sealed class QueueMessagesTests
{
    // What a kernel sent for a ping over loopback, copied to 128 bytes; attributes of the device and the time are among it.
    private static byte[] Sample(int payload)
    {
        var attributes = new List<byte>();
        Add(attributes, 1, [0, 0, 0, 7, 8, 0, 3]);
        Add(attributes, 6, [0, 0, 0, 1]);
        Add(attributes, 10, [.. Enumerable.Range(0, payload).Select(i => (byte)i)]);
        byte[] message = [.. BitConverter.GetBytes(20 + attributes.Count), 0, 3, 0, 0, .. new byte[8], 2, 0, 0, 5, .. attributes];
        return message;

        static void Add(List<byte> to, ushort type, byte[] value)
        {
            to.AddRange(BitConverter.GetBytes((ushort)(4 + value.Length)));
            to.AddRange(BitConverter.GetBytes(type));
            to.AddRange(value);
            while (to.Count % 4 != 0) to.Add(0);
        }
    }

    [Fact]
    public void A_packet_is_found_with_its_number()
    {
        byte[] message = Sample(84);
        Assert.Equal(QueueMessageKind.Packet, QueueMessages.Read(message, out int length, out QueuedPacket packet, out _));
        Assert.Equal(message.Length, length);
        Assert.Equal(7u, packet.Id);
        Assert.Equal(84, packet.Length);
        Assert.Equal([0, 1, 2], message.AsSpan(packet.Start, 3).ToArray());
    }

    [Fact]
    public void Several_messages_in_one_buffer_are_read_one_after_another()
    {
        byte[] all = [.. Sample(5), .. Sample(84), .. Sample(1)];
        int at = 0, count = 0;
        while (at < all.Length)
        {
            Assert.Equal(QueueMessageKind.Packet, QueueMessages.Read(all.AsSpan(at), out int length, out _, out _));
            at += length;
            count++;
        }

        Assert.Equal((3, all.Length), (count, at));
    }

    [Fact]
    public void The_kernels_answer_is_told_with_its_error()
    {
        byte[] message = [36, 0, 0, 0, 2, 0, 0, 0, .. new byte[8], .. BitConverter.GetBytes(-16), .. new byte[16]];
        Assert.Equal(QueueMessageKind.Answer, QueueMessages.Read(message, out _, out _, out int error));
        Assert.Equal(-16, error);
    }

    [Fact]
    public void Requests_are_laid_out_as_the_headers_say()
    {
        Assert.Equal("1c000000020305000000000000000000000000050800010001000000", Convert.ToHexStringLower(QueueMessages.Bind(5)));
        Assert.Equal("2000000002030500000000000000000000000005090002000000008002000000", Convert.ToHexStringLower(QueueMessages.Copy(5, 128)));
        byte[] verdict = new byte[32];
        Assert.Equal(32, QueueMessages.Verdict(verdict, 5, 7, accept: true));
        Assert.Equal("20000000010301000000000000000000000000050c0002000000000100000007", Convert.ToHexStringLower(verdict));
        QueueMessages.Verdict(verdict, 5, 7, accept: false);
        Assert.Equal("00000000", Convert.ToHexStringLower(verdict.AsSpan(24, 4)));
    }

    [Fact]
    public void Nothing_that_comes_leads_out_of_the_buffer()
    {
        var random = new Random(11);
        byte[] sample = Sample(40);
        for (int i = 0; i < 100_000; i++)
        {
            byte[] altered = [.. sample.AsSpan(0, random.Next(sample.Length + 1))];
            for (int n = random.Next(0, 4); n > 0 && altered.Length > 0; n--) altered[random.Next(altered.Length)] = (byte)random.Next(256);
            QueueMessageKind kind = QueueMessages.Read(altered, out int length, out QueuedPacket packet, out _);
            Assert.InRange(length, 0, altered.Length);
            Assert.True(length > 0 || kind == QueueMessageKind.Malformed);
            if (kind == QueueMessageKind.Packet) _ = altered.AsSpan(packet.Start, packet.Length);
        }
    }
}
