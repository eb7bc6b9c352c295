using ArticDbm.Protocols.Redis;
using ArticDbm.Proxy.Pools;

namespace ArticDbm.Proxy.Redis;

/// <content>Redis Cluster: to the node that has the keys, on to where it says they are, and in parts where they lie apart.</content>
internal sealed partial class RedisSession
{
    private static readonly byte[] s_asking = [.. "*1\r\n$6\r\nASKING\r\n"u8];

    private Step TakeForCluster(RedisCommand command, ReadOnlySpan<byte> data)
    {
        ClusterMap map = Db.Redis.Cluster(Target);
        if (!map.IsReady) return InSlowTime();
        if (command.Name == "SCAN") return Answer(RedisErrors.Make("ERR marchproxy: SCAN walks one server, and this database is a cluster of them; connect to its nodes for that"));
        if (command.Is(RedisTraits.Channels) && command.Name != "SPUBLISH") return ToNode(map.Any(), command, data);
        var keys = new RedisKeys(command, _reader, data);
        int first = keys.Next();
        if (first == 0) return command.Join == RedisJoin.None ? ToNode(map.Any(), command, data) : ToAll(map, command, data);
        int slot = RedisSlot.Of(_reader.Argument(data, first));
        for (int key = keys.Next(); key > 0; key = keys.Next())
        {
            if (RedisSlot.Of(_reader.Argument(data, key)) == slot) continue;
            return command.Join == RedisJoin.None ? Answer(RedisErrors.Make("CROSSSLOT Keys in request don't hash to the same slot")) : ToParts(map, command, data);
        }

        if (OnlyReads(command) && MayReadFromReplicas && ReplicaChoice.Choose(map.Replicas(slot)) is { } replica) return ToLink(Db.Redis.Shared(new LinkKey(replica, _protocol, 0, ReadsReplica: true)), command, data);
        return ToNode(map.Primary(slot), command, data);
    }

    private Step ToNode(ServerShare? node, RedisCommand command, ReadOnlySpan<byte> data) => node is null
        ? Answer(RedisErrors.Make("CLUSTERDOWN marchproxy: no node serves this slot"))
        : ToLink(Db.Redis.Shared(new LinkKey(node, _protocol, 0, ReadsReplica: false)), command, data);

    private Step ToLink(RedisLink link, RedisCommand command, ReadOnlySpan<byte> data)
    {
        if (link.IsCongested) return Crowded(link);

        // Over another connection of the same node than before, a later command could overtake an earlier one.
        if (_link is { IsRetired: true, IsClosed: false } old && old.Key == link.Key && _inFlight > 0) return InOrder();
        _link = link;
        RedisTicket ticket = Forward(link, command, data, TicketKind.Pass);
        ticket.Keep(_reader.IsInline ? Encoded(data) : data);
        return Step.Next;
    }

    private Step InOrder()
    {
        _waitsForAll = true;
        return Step.Wait;
    }

    private byte[] Encoded(ReadOnlySpan<byte> data)
    {
        var words = new RespWriter();
        words.Header((byte)'*', _reader.Count);
        for (int i = 0; i < _reader.Count; i++) words.Bulk(_reader.Argument(data, i));
        return words.Written.ToArray();
    }

    /// <summary>One command to every primary: DBSIZE, FLUSHALL, KEYS.</summary>
    private Step ToAll(ClusterMap map, RedisCommand command, ReadOnlySpan<byte> data)
    {
        byte[] request = Encoded(data);
        ServerShare[] nodes = map.Primaries();
        RedisTicket whole = Whole(command, nodes.Length);
        for (int i = 0; i < nodes.Length; i++) Part(whole, i, nodes[i], request);
        return Step.Next;
    }

    /// <summary>One command for each key, to the node that has it.</summary>
    private Step ToParts(ClusterMap map, RedisCommand command, ReadOnlySpan<byte> data)
    {
        int step = command.Step, count = (_reader.Count - 1) / step;
        if ((_reader.Count - 1) % step != 0) return Answer(RedisErrors.Make($"ERR wrong number of arguments for '{command.Name.ToLowerInvariant()}' command"));
        if (count > RedisLimits.Parts) return Answer(RedisErrors.Make($"ERR marchproxy: over a cluster this command is split by key, and {RedisLimits.Parts} is the most"));
        for (int i = 0; i < count; i++)
        {
            if (map.Primary(RedisSlot.Of(_reader.Argument(data, 1 + (i * step)))) is null) return ToNode(null, command, data);
        }

        if (command.Is(RedisTraits.Write)) NoteWrite();
        RedisTicket whole = Whole(command, count);
        var request = new RespWriter();
        for (int i = 0; i < count; i++)
        {
            int at = 1 + (i * step);
            request.Header((byte)'*', 1 + step);
            request.Bulk(command.Name);
            for (int j = 0; j < step; j++) request.Bulk(_reader.Argument(data, at + j));
            Part(whole, i, map.Primary(RedisSlot.Of(_reader.Argument(data, at)))!, request.Written);
            request.Clear();
        }

        return Step.Next;
    }

    private RedisTicket Whole(RedisCommand command, int parts)
    {
        RedisTicket whole = NewTicket(command);
        whole.Parts = new RedisTicket[parts];
        whole.Lacking = parts;
        return whole;
    }

    private void Part(RedisTicket whole, int index, ServerShare node, ReadOnlySpan<byte> request)
    {
        RedisTicket part = Db.Redis.Rent();
        part.Session = this;
        part.Kind = TicketKind.Part;
        part.Command = whole.Command;
        part.Whole = whole;
        part.Keep(request);
        whole.Parts![index] = part;
        Db.Redis.Shared(new LinkKey(node, _protocol, 0, ReadsReplica: false)).Add(request, part);
    }

    /// <summary>Follows a cluster's word that the keys are elsewhere. It was not executed, so it may be sent again.</summary>
    private bool Redirected(RedisTicket ticket, ReadOnlySpan<byte> error)
    {
        if (!ClusterRedirect.TryRead(error, out ClusterRedirect redirect)) return false;
        ClusterMap map = Db.Redis.Cluster(Target);
        if (++ticket.Moves > RedisLimits.Moves || map.Node(redirect) is not { } node) return false;
        if (!redirect.IsAsk) map.Moved(redirect.Slot, node);
        RedisLink link = Db.Redis.Shared(new LinkKey(node, _protocol, 0, ReadsReplica: false));
        if (redirect.IsAsk)
        {
            RedisTicket asking = Db.Redis.Rent();
            asking.Kind = TicketKind.Drop;
            link.Add(s_asking, asking);
        }

        link.Add(ticket.Request.AsSpan(0, ticket.RequestLength), ticket);
        return true;
    }

    /// <summary>Learns of the cluster before the first command goes to it.</summary>
    private async ValueTask<bool> TakeClusterSlowlyAsync()
    {
        ClusterMap map = Db.Redis.Cluster(Target);
        string? fault = await map.RefreshAsync();
        if (Client.IsClosed) return false;
        _looksAgain = map.IsReady;
        if (!map.IsReady) Say(RedisErrors.Make($"CLUSTERDOWN marchproxy: {fault}"));
        return true;
    }
}
