using System.Buffers.Text;
using ArticDbm.Protocols.Redis;

namespace ArticDbm.Proxy.Redis;

/// <summary>Makes one reply of those to the parts of a split command. An error among them is the reply.</summary>
internal static class RedisParts
{
    /// <summary>Writes the reply.</summary>
    public static void Join(RedisTicket whole, RespWriter into)
    {
        long sum = 0;
        foreach (RedisTicket? part in whole.Parts!)
        {
            ReadOnlySpan<byte> reply = part!.Held;
            if (reply[0] == (byte)'-')
            {
                into.Raw(reply);
                return;
            }

            sum += Number(reply);
        }

        switch (whole.Command.Join)
        {
            case RedisJoin.Sum:
                into.Header((byte)':', sum);
                return;
            case RedisJoin.Status:
                into.Raw("+OK\r\n"u8);
                return;
            default:
                into.Header((byte)'*', sum);
                foreach (RedisTicket? part in whole.Parts)
                {
                    ReadOnlySpan<byte> reply = part!.Held;
                    into.Raw(reply[(reply.IndexOf((byte)'\n') + 1)..]);
                }

                return;
        }
    }

    /// <summary>The number behind the type: an integer, or how many elements follow.</summary>
    private static long Number(ReadOnlySpan<byte> reply) => reply[0] is (byte)':' or (byte)'*' && Utf8Parser.TryParse(reply[1..], out long number, out _) ? Math.Max(0, number) : 0;
}
