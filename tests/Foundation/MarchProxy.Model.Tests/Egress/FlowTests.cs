using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Tests.Egress;

public sealed class FlowTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    private readonly EgressPolicy _policy = Secrets.Compile("""
        services:
          - { name: app, auth: { type: token, token: "env:BILLING_TOKEN" } }
          - { name: office, addresses: [10.0.0.0/8] }
          - { name: api, addresses: [api.test, 192.0.2.0/24], allowAddresses: [192.0.2.0/25] }
        mappings:
          - { name: app-api, sources: [app], destinations: [api], protocols: [https], ports: "443" }
          - { name: office-api, sources: [office], destinations: [api], protocols: [http], ports: "80" }
        """).Egress;

    [Theory]
    [InlineData("app", AuthType.Token, EgressProtocols.Https | EgressProtocols.Tcp, "api.test", 443, DenyReason.None)]
    [InlineData("app", AuthType.Token, EgressProtocols.Http, "api.test", 80, DenyReason.ProtocolOrPort)]
    [InlineData("app", AuthType.Jwt, EgressProtocols.Https, "api.test", 443, DenyReason.BadCredentials)]
    [InlineData("app", AuthType.None, EgressProtocols.Https, "api.test", 443, DenyReason.NoMapping)]
    [InlineData("gone", AuthType.Token, EgressProtocols.Https, "api.test", 443, DenyReason.BadCredentials)]
    [InlineData("gone,office", AuthType.None, EgressProtocols.Http, "api.test", 80, DenyReason.None)]
    [InlineData("", AuthType.None, EgressProtocols.Http, "api.test", 80, DenyReason.NoMapping)]
    [InlineData("office", AuthType.None, EgressProtocols.Http, "192.0.2.7", 80, DenyReason.None)]
    [InlineData("office", AuthType.None, EgressProtocols.Http, "elsewhere.test", 80, DenyReason.NoMapping)]
    public void A_flow_is_asked_again_as_its_client_was(string source, AuthType proof, EgressProtocols protocols, string host, int port, DenyReason reason)
    {
        var flow = new Flow(source, proof, protocols, host, port);
        Assert.Equal(reason, flow.Decide(_policy, s_now).Reason);
        Assert.Equal(flow, Flow.Parse(flow.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a|0|1|80")]
    [InlineData("a|9|1|80|h")]
    [InlineData("a|0|0|80|h")]
    [InlineData("a|0|32|80|h")]
    [InlineData("a|0|1|65536|h")]
    [InlineData("a|0|1|-1|h")]
    [InlineData("a|0|x|80|h")]
    [InlineData("a|0|1|80|")]
    [InlineData("a|0|1|80|h|more")]
    public void What_is_no_flow_is_told_so(string text) => Assert.Null(Flow.Parse(text));

    [Fact]
    public void No_text_breaks_the_reader()
    {
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => "|||0123459-ab. \0é"[random.Next(17)]));
            if (Flow.Parse(text) is { } flow) flow.Decide(_policy, s_now);
        }

        Assert.Null(Flow.Parse(new string('a', 500) + "|0|1|80|hhhhhhhh"));
    }
}
