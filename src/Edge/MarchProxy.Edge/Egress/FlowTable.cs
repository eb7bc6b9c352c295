using MarchProxy.Model.Egress;
using MarchProxy.Model.Resources;

namespace MarchProxy.Edge.Egress;

/// <summary>
/// One loop's counts of what the egress policy said to whom, until they are taken. Counting what was counted before allocates nothing. Bounded: what comes new when it is
/// full is only counted as lost, so that a client that asks for ever new names cannot fill the memory.
/// </summary>
internal sealed class FlowTable
{
    /// <summary>Flows between two takings, five seconds apart: more than the honest traffic of a loop has.</summary>
    private const int Most = 4096;

    private readonly Dictionary<string, FlowCount> _counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FlowCount>.AlternateLookup<ReadOnlySpan<char>> _byText;
    private long _lost;

    public FlowTable() => _byText = _counts.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Counts a decision.</summary>
    /// <param name="gate">Holds it.</param>
    /// <param name="now">The time.</param>
    public void Count(EgressGate gate, DateTimeOffset now)
    {
        Span<char> text = stackalloc char[Flow.MaxLength];
        int length = gate.WriteFlow(text);
        if (length == 0) return;
        if (!_byText.TryGetValue(text[..length], out FlowCount? count))
        {
            if (_counts.Count >= Most)
            {
                _lost++;
                return;
            }

            _byText[text[..length]] = count = new FlowCount();
        }

        count.Add(gate.Decision, now);
    }

    /// <summary>Gives what was counted, and begins anew.</summary>
    /// <returns>The counts by the text of their flow, and how many decisions found no room.</returns>
    public (List<(string Flow, FlowCount Count)> Counts, long Lost) Take()
    {
        List<(string, FlowCount)> taken = [.. _counts.Select(c => (c.Key, c.Value))];
        long lost = _lost;
        _counts.Clear();
        _lost = 0;
        return (taken, lost);
    }
}

/// <summary>How often a flow was decided, and how the last time.</summary>
public sealed class FlowCount
{
    /// <summary>Times that it was let through.</summary>
    public long Allowed { get; private set; }

    /// <summary>Times that it was refused.</summary>
    public long Denied { get; private set; }

    /// <summary>Times that it was let through and reported as what would be denied.</summary>
    public long Reported { get; private set; }

    /// <summary>The mapping that decided last; empty for none.</summary>
    public string Mapping { get; private set; } = "";

    /// <summary>The last decision's reason code; <c>none</c> when it was let through.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>When it was decided last.</summary>
    public DateTimeOffset LastSeen { get; private set; }

    /// <summary>Adds the counts of another.</summary>
    /// <param name="other">The other.</param>
    public void Add(FlowCount other)
    {
        Allowed += other.Allowed;
        Denied += other.Denied;
        Reported += other.Reported;
        if (other.LastSeen < LastSeen) return;
        (Mapping, Reason, LastSeen) = (other.Mapping, other.Reason, other.LastSeen);
    }

    internal void Add(in EgressDecision decision, DateTimeOffset now)
    {
        if (decision.Effect == MappingEffect.Deny) Denied++;
        else if (decision.Effect == MappingEffect.Report) Reported++;
        else Allowed++;
        Mapping = decision.Mapping?.Name ?? "";
        Reason = decision.Reason.Code();
        LastSeen = now;
    }
}
