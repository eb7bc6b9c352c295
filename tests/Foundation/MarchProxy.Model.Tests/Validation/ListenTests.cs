using MarchProxy.Model.Intake;
using MarchProxy.Model.Resources;
using MarchProxy.Model.Snapshots;

namespace MarchProxy.Model.Tests.Validation;

/// <summary>Ports that mappings have of their own, and dedicated listeners.</summary>
public sealed class ListenTests
{
    [Theory]
    [InlineData("destinations: [b], protocols: [tcp], listen: 5000", null)]
    [InlineData("destinations: [b], protocols: [udp], listen: { port: 53, protocol: udp, address: \"::1\" }", null)]
    [InlineData("destinations: [b, c], protocols: [tcp], listen: 5000", "leads to one service")]
    [InlineData("destinations: [all], protocols: [tcp], listen: 5000", "leads to one service")]
    [InlineData("destinations: [b], protocols: [https], listen: 5000", "does not allow tcp")]
    [InlineData("destinations: [b], protocols: [tcp], listen: { port: 53, protocol: udp }", "does not allow udp")]
    [InlineData("destinations: [b], protocols: [tcp], auth: token, listen: 5000", "can show no token")]
    [InlineData("destinations: [b], protocols: [tcp], listen: 8080", "listens on 127.0.0.1:8080 already")]
    [InlineData("destinations: [b], protocols: [tcp], listen: 70000", "from 1 to 65535")]
    [InlineData("destinations: [b], protocols: [tcp], listen: { prot: tcp }", "did you mean port?")]
    public void A_mappings_port_is_judged(string fields, string? fault)
    {
        IntakeResult read = ResourceReader.ReadYaml(
            $"services: [{{ name: a }}, {{ name: b, addresses: [b.test] }}, {{ name: c, addresses: [c.test] }}]\nmappings: [{{ name: m, sources: [a], {fields} }}]\nlisteners: [{{ name: l, port: 8080, purpose: forward-proxy }}]",
            "f", new Secrets());
        CompileResult compiled = SnapshotCompiler.Compile(read.Set);
        string[] errors = [.. read.Diagnostics.Concat(compiled.Diagnostics).Where(d => d.Severity == Severity.Error).Select(d => d.ToString())];
        if (fault is null)
        {
            Assert.Empty(errors);
            Listener listener = compiled.Snapshot!.Listeners.Single(l => l.Purpose == ListenerPurpose.Dedicated);
            Assert.Equal(("mapping:m", "b"), (listener.Name, listener.Service));
        }
        else
        {
            Assert.Contains(errors, e => e.Contains(fault, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_mapping_that_waits_for_approval_opens_no_port()
    {
        IntakeResult read = ResourceReader.ReadYaml(
            "services: [{ name: a }, { name: b, addresses: [b.test] }]\nmappings: [{ name: m, sources: [a], destinations: [b], listen: 5000, approval: pending }]", "f", new Secrets());
        Assert.Empty(SnapshotCompiler.Compile(read.Set).Snapshot!.Listeners);
    }

    [Fact]
    public void Digests_add_up_and_come_apart()
    {
        Service[] services = [.. Enumerable.Range(0, 50).Select(i => new Service { Name = "s" + i })];
        ContentDigest all = services.Aggregate(default(ContentDigest), (sum, s) => sum + ContentDigest.Of(s));
        Assert.Equal(all, services.Reverse().Aggregate(default(ContentDigest), (sum, s) => sum + ContentDigest.Of(s)));
        Assert.Equal(default, services.Aggregate(all, (sum, s) => sum - ContentDigest.Of(s)));
        Assert.NotEqual(all, all - ContentDigest.Of(services[0]) + ContentDigest.Of(services[0] with { Description = "x" }));
        Assert.Equal(ContentDigest.Of(services[0]), ContentDigest.Of(new Service { Name = "s0" }));
    }
}
