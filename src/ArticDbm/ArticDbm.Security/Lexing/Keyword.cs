namespace ArticDbm.Security.Lexing;

/// <summary>The words of SQL that readers and detectors tell from names; of all dialects together, none reserved by itself.</summary>
internal enum Keyword : ushort
{
    None,
    Abort, Access, Add, Aggregate, All, Alter, Analyse, Analyze, And, Any, Apply, Array, As, Asc, Authorization, Begin, Between, Binary, Binlog,
    Bulk, By, Call, Cascade, Case, Cast, Chain, Change, Character, Check, Checkpoint, Checksum, Clone, Close, Cluster, Collate, Column, Comment,
    Commit, Concurrently, Conflict, Constraint, Copy, Create, Cross, Cursor, Data, Database, Date, Deallocate, Declare, Default, Definer, Delay,
    Delayed, Delete, Deny, Desc, Describe, Discard, Distinct, Div, Do, Domain, Drop, Dual, Dumpfile, Duplicate, Else, End, Escape, Event, Except,
    Exclusive, Exec, Execute, Exists, Explain, Extension, False, Fetch, Filter, Flush, For, Force, Full, Foreign, From, Function, Global, Go, Grant, Group,
    Handler, Having, Help, HighPriority, Hold, If, Ignore, Ilike, Immediate, Import, In, Index, Infile, Inherits, Inner, Insert, Install, Instance,
    Intersect, Interval, Into, Is, Isnull, Isolation, Join, Key, Kill, Language, Lateral, Left, Like, Limit, Listen, Load, Local, Lock, Low,
    LowPriority, Mapping, Master, Matched, Materialized, Merge, Minus, Mod, Mode, Move, Names, Natural, No, Not, Nothing, Notify, Notnull, Null, Of,
    Offset, On, Only, Opendatasource, Openquery, Openrowset, Operator, Optimize, Option, Or, Order, Ordinality, Outer, Outfile, Output, Over,
    Overriding, Owned, Owner, Parallel, Partition, Password, Percent, Persist, PersistOnly, Plugin, Policy, Prepare, Print, Privileges, Procedure,
    Procedures, Program, Public, Publication, Purge, Quick, Raiserror, Read, Reassign, Recursive, References, Refresh, Regexp, Reindex, Release,
    Rename, Repair, Replace, Replica, Reset, Resignal, Restart, Restrict, Returning, Revoke, Right, Rlike, Role, Rollback, Routine, Row, Rows, Rule,
    Savepoint, Schema, Security, Select, Sequence, Server, Session, Set, Share, Shared, Show, Shutdown, Signal, Similar, Slave, Some, Sounds,
    SqlMode, Start, Statistics, Status, Stdin, Stdout, Stop, StraightJoin, Subscription, System, Table, Tables, Tablesample, Tablespace, Temp,
    Temporary, Then, Time, Timestamp, To, Top, Transaction, Transactions, Trigger, True, Truncate, Type, Uninstall, Union, Unknown, Unlisten, Unlock,
    Unlogged, Update, Use, User, Using, Vacuum, Values, Variables, Verbose, View, Waitfor, When, Where, Window, With, Within, Work, Wrapper, Write,
    Xa, Xor, Year,
}

/// <summary>Finds keywords.</summary>
internal static class Keywords
{
    private static readonly WordTable<Keyword> s_table = new(Enum.GetValues<Keyword>().Where(k => k != Keyword.None).Select(k => KeyValuePair.Create(Spelling(k), k)));

    public static Keyword Find(ReadOnlySpan<byte> word) => s_table.TryGet(word, out Keyword keyword) ? keyword : Keyword.None;

    private static string Spelling(Keyword keyword) => keyword switch
    {
        Keyword.StraightJoin => "straight_join",
        Keyword.LowPriority => "low_priority",
        Keyword.HighPriority => "high_priority",
        Keyword.SqlMode => "sql_mode",
        Keyword.PersistOnly => "persist_only",
        _ => keyword.ToString().ToLowerInvariant(),
    };
}
