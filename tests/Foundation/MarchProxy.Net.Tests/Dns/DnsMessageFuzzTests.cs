using MarchProxy.Net.Dns;

namespace MarchProxy.Net.Tests.Dns;

public class DnsMessageFuzzTests
{
    private static readonly byte[] Query = MakeQuery();

    private static byte[] MakeQuery()
    {
        byte[] query = new byte[DnsMessage.MaxQuery];
        return query[..DnsMessage.WriteQuery(query, "www.example.com", DnsType.A, DnsQueryStyle.LowerCase)];
    }

    private static byte[] ValidResponse() => Reply.To(Query)
        .Record(6, [0xC0, 12], DnsType.Cname, 60, [1, (byte)'b', 0xC0, 16])
        .Address("b.example.com", "192.0.2.1").Address("b.example.com", "192.0.2.2").Soa("example.com", 60, 60).Build();

    /// <summary>What must hold of any reply, whatever the bytes were.</summary>
    private static void Check(in DnsReply reply)
    {
        Assert.Equal(reply.Status == DnsReplyStatus.Ok, !reply.Addresses.IsEmpty);
        int most = reply.Status switch
        {
            DnsReplyStatus.Ok => 86_400,
            DnsReplyStatus.NoData or DnsReplyStatus.NxDomain => 300,
            _ => 0,
        };
        Assert.InRange(reply.TtlSeconds, Math.Min(most, 1), most);
    }

    [Fact]
    public void Random_bytes_behind_a_right_header_never_throw()
    {
        var random = new Random(1);
        byte[] start = Reply.To(Query).Build();
        for (int i = 0; i < 50_000; i++)
        {
            byte[] tail = new byte[random.Next(120)];
            random.NextBytes(tail);
            byte[] response = [.. start, .. tail];
            response[7] = (byte)random.Next(5);
            response[9] = (byte)random.Next(3);
            Check(DnsMessage.Parse(Query, response, DnsQueryStyle.LowerCase));
        }
    }

    [Fact]
    public void Random_bytes_alone_never_throw()
    {
        var random = new Random(2);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] query = new byte[random.Next(60)], response = new byte[random.Next(60)];
            random.NextBytes(query);
            random.NextBytes(response);
            Check(DnsMessage.Parse(query, response, (DnsQueryStyle)random.Next(3)));
        }
    }

    [Fact]
    public void Mutations_of_a_valid_response_never_throw_and_some_stay_valid()
    {
        var random = new Random(3);
        byte[] valid = ValidResponse();
        int ok = 0, malformed = 0;
        for (int i = 0; i < 50_000; i++)
        {
            byte[] response = [.. valid];
            for (int flips = random.Next(1, 4); flips > 0; flips--) response[random.Next(response.Length)] = (byte)random.Next(256);
            DnsReply reply = DnsMessage.Parse(Query, response, DnsQueryStyle.LowerCase);
            Check(reply);
            if (reply.Status == DnsReplyStatus.Ok) ok++;
            if (reply.Status == DnsReplyStatus.Malformed) malformed++;
        }

        Assert.True(ok > 1000 && malformed > 1000, $"{ok} valid, {malformed} malformed");
    }

    [Fact]
    public void A_response_cut_anywhere_yields_no_address()
    {
        byte[] valid = ValidResponse();
        Assert.Equal(DnsReplyStatus.Ok, DnsMessage.Parse(Query, valid, DnsQueryStyle.LowerCase).Status);
        for (int length = 0; length < valid.Length; length++)
            Assert.NotEqual(DnsReplyStatus.Ok, DnsMessage.Parse(Query, valid.AsSpan(0, length), DnsQueryStyle.LowerCase).Status);
    }

    [Fact]
    public void A_long_chain_of_pointers_ends()
    {
        Reply reply = Reply.To(Query);
        int at = reply.Build().Length;
        byte[] chain = new byte[2000];
        for (int i = 0; i < chain.Length; i += 2)
        {
            int target = i == 0 ? 12 : at + 11 + i - 2;
            chain[i] = (byte)(0xC0 | (target >> 8));
            chain[i + 1] = (byte)target;
        }

        int last = at + 11 + chain.Length - 2;
        reply.Record(6, [0], DnsType.Opt, 1, chain).Record(6, [(byte)(0xC0 | (last >> 8)), (byte)last], DnsType.A, 1, [192, 0, 2, 1]);
        Assert.Equal(DnsReplyStatus.Malformed, DnsMessage.Parse(Query, reply.Build(), DnsQueryStyle.LowerCase).Status);
    }
}
