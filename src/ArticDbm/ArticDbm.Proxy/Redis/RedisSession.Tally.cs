using System.Diagnostics;
using ArticDbm.Protocols.Redis;
using ArticDbm.Security;
using MarchProxy.Telemetry.Metrics;

namespace ArticDbm.Proxy.Redis;

/// <content>Counting: each command in the metrics, and one log line for all of one shape in five seconds; what is refused has a line of its own.</content>
internal sealed partial class RedisSession
{
    /// <summary>Shapes counted apart before lines are written: an application uses few at a time.</summary>
    private const int Shapes = 16;

    private readonly Counted[] _tally = new Counted[Shapes];
    private int _tallied, _lastTallied;
    private CounterCell? _queries;
    private HistogramCell? _duration;

    private void Tally(RedisCommand command, int arguments, long ticks)
    {
        _queries!.Inc();
        _duration!.Record((double)ticks / Stopwatch.Frequency);
        ref Counted last = ref _tally[_lastTallied];
        if (ReferenceEquals(last.Command, command) && last.Arguments == arguments)
        {
            last.Count++;
            last.Ticks += ticks;
            return;
        }

        TallyOther(command, arguments, ticks);
    }

    private void TallyOther(RedisCommand command, int arguments, long ticks)
    {
        int at = 0;
        while (at < _tallied && !(ReferenceEquals(_tally[at].Command, command) && _tally[at].Arguments == arguments)) at++;
        if (at == Shapes)
        {
            FlushTally();
            at = 0;
        }

        if (at == _tallied) _tally[_tallied++] = new Counted { Command = command, Arguments = arguments };
        _tally[at].Count++;
        _tally[at].Ticks += ticks;
        _lastTallied = at;
    }

    /// <summary>Writes a line for each shape that was counted.</summary>
    public void FlushTally()
    {
        for (int i = 0; i < _tallied; i++)
        {
            ref Counted one = ref _tally[i];
            Record.Kind = "statement";
            Record.Fingerprint = one.Command!.Shape(one.Arguments);
            (Record.Decision, Record.Reason, Record.Rule) = ("allow", null, null);
            Record.Count = one.Count;
            Record.Ended = Stopwatch.GetTimestamp();
            Record.Started = Record.Ended - one.Ticks;
            Db.Log.Write(Record);
            one = default;
        }

        Record.Count = 1;
        _tallied = _lastTallied = 0;
    }

    /// <summary>Counts and logs a command that a rule found, refused or not.</summary>
    private void RecordDecision(RedisCommand command, string decision, string reason, FirewallRule? rule)
    {
        Record.Fingerprint = command.Shape(_reader.Count);
        (Record.Decision, Record.Reason, Record.Rule) = (decision, reason, rule?.Name);
        Record.Started = _now;
        Record.Ended = Stopwatch.GetTimestamp();
        Record.Kind = "statement";
        Db.Log.Write(Record);
        if (decision == "deny") Db.Metrics.Finished(Record);
    }

    private struct Counted
    {
        public RedisCommand? Command;
        public int Arguments;
        public long Count, Ticks;
    }
}
