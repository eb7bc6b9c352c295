using MarchProxy.Net.Dns;

namespace MarchProxy.Net.Tests.Dns;

public class DnsMessageTests
{
    private static byte[] Query(string name = "www.example.com", DnsType type = DnsType.A, DnsQueryStyle style = DnsQueryStyle.LowerCase)
    {
        byte[] query = new byte[DnsMessage.MaxQuery];
        return query[..DnsMessage.WriteQuery(query, name, type, style)];
    }

    private static DnsReply Parse(byte[] query, Reply reply, DnsQueryStyle style = DnsQueryStyle.LowerCase) =>
        DnsMessage.Parse(query, reply.Build(), style);

    [Fact]
    public void A_query_has_the_layout_of_the_RFC()
    {
        byte[] query = Query("Ab.c.", DnsType.Aaaa);
        byte[] expected =
        [
            query[0], query[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 1,
            2, (byte)'a', (byte)'b', 1, (byte)'c', 0, 0, 28, 0, 1,
            0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0,
        ];
        Assert.Equal(expected, query);
        Assert.Equal(expected.Length - 11, Query("ab.c", DnsType.A, DnsQueryStyle.Plain).Length);
    }

    [Fact]
    public void Ids_and_case_are_random()
    {
        string[] names = [.. Enumerable.Range(0, 20).Select(_ => Convert.ToHexString(Query(style: DnsQueryStyle.MixedCase)))];
        Assert.True(names.Select(n => n[..4]).Distinct(StringComparer.Ordinal).Count() > 10);
        Assert.True(names.Select(n => n[24..60]).Distinct(StringComparer.Ordinal).Count() > 10);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("a..b", false)]
    [InlineData(".a", false)]
    [InlineData("a b", false)]
    [InlineData("a\0b", false)]
    [InlineData("ü.de", false)]
    [InlineData("a/b", false)]
    [InlineData("_srv.a-b.c.", true)]
    public void Only_names_are_asked_for(string name, bool valid) => Assert.Equal(valid, Query(name).Length > 0);

    [Fact]
    public void Names_and_labels_have_their_greatest_lengths()
    {
        string label = new('a', 63), longest = $"{label}.{label}.{label}.{new string('b', 61)}";
        Assert.Equal(253, longest.Length);
        Assert.NotEmpty(Query(longest));
        Assert.NotEmpty(Query(longest + "."));
        Assert.Empty(Query(longest + "b"));
        Assert.Empty(Query(label + "a.com"));
    }

    [Fact]
    public void Addresses_of_the_question_are_read()
    {
        byte[] query = Query();
        DnsReply reply = Parse(query, Reply.To(query)
            .Address("WWW.example.com", "192.0.2.1", 50).Address("www.example.com", "192.0.2.2", 40).Address("other.com", "192.0.2.66", 1));
        Assert.Equal(DnsReplyStatus.Ok, reply.Status);
        Assert.Equal("192.0.2.1,192.0.2.2", string.Join(',', reply.Addresses));
        Assert.Equal(40, reply.TtlSeconds);
    }

    [Fact]
    public void Answers_to_another_question_are_not_trusted()
    {
        byte[] query = Query();
        DnsReply reply = Parse(query, Reply.To(query).Address("bank.com", "192.0.2.66").Address("www.example.com", "2001:db8::66"));
        Assert.Equal(DnsReplyStatus.NoData, reply.Status);
        Assert.Empty(reply.Addresses);
    }

    [Theory]
    [InlineData(0, 0x01)] // id
    [InlineData(1, 0x80)] // id
    [InlineData(2, 0x80)] // QR
    [InlineData(2, 0x08)] // opcode
    [InlineData(5, 0x03)] // two questions
    [InlineData(13, 0x01)] // another letter
    [InlineData(30, 0x1D)] // another type
    [InlineData(32, 0x02)] // another class
    public void A_response_to_something_else_is_not_ours(int offset, byte flip)
    {
        byte[] query = Query();
        Reply reply = Reply.To(query).Address("www.example.com", "192.0.2.1");
        Assert.Equal(DnsReplyStatus.NotMine, Parse(query, reply.With(offset, b => (byte)(b ^ flip))).Status);
    }

    [Fact]
    public void Case_counts_when_it_was_mixed()
    {
        byte[] query = Query(style: DnsQueryStyle.MixedCase);
        Reply reply = Reply.To(query).Address("www.example.com", "192.0.2.1");
        Assert.Equal(DnsReplyStatus.Ok, Parse(query, reply, DnsQueryStyle.MixedCase).Status);
        reply.With(13, b => (byte)(b ^ 0x20));
        Assert.Equal(DnsReplyStatus.CaseChanged, Parse(query, reply, DnsQueryStyle.MixedCase).Status);
        Assert.Equal(DnsReplyStatus.Ok, Parse(query, reply).Status);
    }

    [Theory]
    [InlineData(8, DnsReplyStatus.Ok)]
    [InlineData(9, DnsReplyStatus.Malformed)]
    public void Aliases_are_followed_so_far(int aliases, DnsReplyStatus expected)
    {
        byte[] query = Query("n0.x");
        Reply reply = Reply.To(query).Address($"n{aliases}.x", "192.0.2.9", 70);
        for (int i = aliases - 1; i >= 0; i--) reply.Alias($"n{i}.x", $"n{i + 1}.x", (uint)(30 + i));
        DnsReply parsed = Parse(query, reply);
        Assert.Equal(expected, parsed.Status);
        if (expected == DnsReplyStatus.Ok) Assert.Equal(30, parsed.TtlSeconds);
    }

    [Fact]
    public void Aliases_in_a_circle_end()
    {
        byte[] query = Query("a.x");
        Assert.Equal(DnsReplyStatus.Malformed, Parse(query, Reply.To(query).Alias("a.x", "b.x").Alias("b.x", "a.x")).Status);
    }

    [Theory]
    [InlineData(0u, 1)]
    [InlineData(0x8000_0001u, 1)]
    [InlineData(10_000_000u, 86_400)]
    public void Lifetimes_stay_within_bounds(uint ttl, int expected)
    {
        byte[] query = Query();
        Assert.Equal(expected, Parse(query, Reply.To(query).Address("www.example.com", "192.0.2.1", ttl)).TtlSeconds);
    }

    [Theory]
    [InlineData("example.com", 100u, 50u, 50)]
    [InlineData("example.com", 20u, 50u, 20)]
    [InlineData("", 9000u, 9000u, 300)]
    [InlineData("other.com", 100u, 100u, 1)]
    [InlineData("w.example.com", 100u, 100u, 1)]
    public void Negative_answers_live_as_long_as_the_zone_says(string zone, uint ttl, uint minimum, int expected)
    {
        byte[] query = Query();
        Assert.Equal(
            DnsReply.Of(DnsReplyStatus.NxDomain, expected), Parse(query, Reply.To(query).Code(3).Soa(zone, ttl, minimum)));
        Assert.Equal(DnsReply.Of(DnsReplyStatus.NoData, expected), Parse(query, Reply.To(query).Soa(zone, ttl, minimum)));
    }

    [Theory]
    [InlineData(1, DnsReplyStatus.FormatError)]
    [InlineData(2, DnsReplyStatus.ServerFailure)]
    [InlineData(5, DnsReplyStatus.ServerFailure)]
    public void Errors_are_told_apart(int code, DnsReplyStatus expected)
    {
        byte[] query = Query();
        Assert.Equal(expected, Parse(query, Reply.To(query).Code(code)).Status);
    }

    [Fact]
    public void A_pointer_leads_backwards_only()
    {
        byte[] query = Query();
        int answer = Reply.To(query).Build().Length;
        byte[] data = [192, 0, 2, 1];
        Assert.Equal(DnsReplyStatus.Ok, WithOwner(0xC0, 12));
        Assert.Equal(DnsReplyStatus.Malformed, WithOwner(0xC0, (byte)answer));
        Assert.Equal(DnsReplyStatus.Malformed, WithOwner(0xC0, (byte)(answer + 2)));
        Assert.Equal(DnsReplyStatus.Malformed, WithOwner(1, 97, 0xC0, (byte)answer));

        DnsReplyStatus WithOwner(params byte[] owner) => Parse(query, Reply.To(query).Record(6, owner, DnsType.A, 9, data)).Status;
    }

    [Fact]
    public void An_alias_fills_its_record()
    {
        byte[] query = Query("a.x");
        Reply reply = Reply.To(query).Record(6, Reply.Name("a.x"), DnsType.Cname, 9, [.. Reply.Name("b.x"), 0]).Address("b.x", "192.0.2.1");
        Assert.Equal(DnsReplyStatus.Malformed, Parse(query, reply).Status);
    }

    [Fact]
    public void A_name_that_does_not_exist_has_no_addresses()
    {
        byte[] query = Query();
        Assert.Equal(DnsReplyStatus.NxDomain, Parse(query, Reply.To(query).Code(3).Address("www.example.com", "192.0.2.1")).Status);
    }

    [Fact]
    public void A_mapped_address_is_its_IPv4_address()
    {
        byte[] query = Query(type: DnsType.Aaaa);
        DnsReply reply = Parse(query, Reply.To(query).Address("www.example.com", "::ffff:127.0.0.1"));
        Assert.Equal("127.0.0.1", Assert.Single(reply.Addresses).ToString());
    }
}
