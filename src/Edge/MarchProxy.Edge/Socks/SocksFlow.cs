using MarchProxy.Edge.Access;
using MarchProxy.Edge.Config;
using MarchProxy.Edge.Egress;
using MarchProxy.Edge.Http;
using MarchProxy.Edge.Udp;
using MarchProxy.Model.Egress;
using MarchProxy.Net;
using MarchProxy.Net.Udp;

namespace MarchProxy.Edge.Socks;

/// <summary>The datagrams between one SOCKS5 client and one destination; answers carry the destination before them (RFC 1928 section 7).</summary>
internal sealed class SocksFlow(SocksAssociation owner, HttpSession session, EdgeConfig config, ServiceIdentity? identity, string key, byte[] destination)
    : DatagramFlow(owner.Edge, config, session.Connection.Listener.Name, owner.Client, "socks-udp")
{
    private byte[] _packet = [];

    protected override ValueTask<Endpoint[]> DecideAsync(AccessRecord record)
    {
        var gate = new EgressGate();
        bool known = SocksAddress.Give(destination, gate);
        record.SetHost(gate.HostText);
        gate.SetSource(identity, session.Connection.KnownByAddress(Config), EgressProtocols.Udp, Edge.Now);
        if (known) return EgressAdmission.AdmitAsync(Edge, Config, gate, record);
        record.Reason = DenyReason.BadDestination.Code();
        return new ValueTask<Endpoint[]>([]);
    }

    protected override void Add(UdpBatch outgoing, ReadOnlySpan<byte> answer)
    {
        int header = 3 + destination.Length;
        if (_packet.Length < header + answer.Length) _packet = new byte[header + answer.Length];
        destination.CopyTo(_packet, 3);
        answer.CopyTo(_packet.AsSpan(header));
        outgoing.TryAdd(_packet.AsSpan(0, header + answer.Length), Client);
    }

    protected override void Answer(UdpBatch outgoing) => owner.Answer(outgoing);

    protected override void Forget() => owner.Forget(key);
}
