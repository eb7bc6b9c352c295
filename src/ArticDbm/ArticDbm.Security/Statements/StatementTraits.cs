namespace ArticDbm.Security;

/// <summary>What a statement does to its session, and what a pool must know of it.</summary>
[Flags]
public enum StatementTraits : ulong
{
    /// <summary>Nothing of note.</summary>
    None = 0,

    /// <summary>It only reads, and may go to a replica: no write in any part, no lock, no function that is known to write, no temporary table, no session state.</summary>
    OnlyReads = 1UL << 0,

    /// <summary>BEGIN, START TRANSACTION.</summary>
    Begin = 1UL << 1,

    /// <summary>COMMIT, END, PREPARE TRANSACTION.</summary>
    Commit = 1UL << 2,

    /// <summary>ROLLBACK, ABORT; not to a savepoint.</summary>
    Rollback = 1UL << 3,

    /// <summary>SAVEPOINT, RELEASE, ROLLBACK TO.</summary>
    Savepoint = 1UL << 4,

    /// <summary>Sets or resets something that outlives the transaction.</summary>
    SetSession = 1UL << 5,

    /// <summary>SET LOCAL, SET TRANSACTION, SET CONSTRAINTS: gone with the transaction.</summary>
    SetLocal = 1UL << 6,

    /// <summary>SET ROLE, SET SESSION AUTHORIZATION, EXECUTE AS and their kin: the session acts as another.</summary>
    SetRole = 1UL << 7,

    /// <summary>LISTEN.</summary>
    Listen = 1UL << 8,

    /// <summary>UNLISTEN.</summary>
    Unlisten = 1UL << 9,

    /// <summary>NOTIFY, pg_notify.</summary>
    Notify = 1UL << 10,

    /// <summary>Makes a temporary table or other object of the session.</summary>
    CreatesTemp = 1UL << 11,

    /// <summary>Takes or frees an advisory lock that belongs to the session.</summary>
    AdvisoryLock = 1UL << 12,

    /// <summary>PREPARE as a statement.</summary>
    SqlPrepare = 1UL << 13,

    /// <summary>EXECUTE of a statement prepared so.</summary>
    SqlExecute = 1UL << 14,

    /// <summary>DEALLOCATE.</summary>
    SqlDeallocate = 1UL << 15,

    /// <summary>DISCARD ALL.</summary>
    DiscardAll = 1UL << 16,

    /// <summary>DISCARD of plans, sequences or temporary tables.</summary>
    Discard = 1UL << 17,

    /// <summary>DECLARE of a cursor that ends with the transaction.</summary>
    Declare = 1UL << 18,

    /// <summary>DECLARE of a cursor WITH HOLD.</summary>
    DeclareHold = 1UL << 19,

    /// <summary>COPY FROM STDIN: data comes next.</summary>
    CopyFromStdin = 1UL << 20,

    /// <summary>COPY TO STDOUT.</summary>
    CopyToStdout = 1UL << 21,

    /// <summary>COPY from or to a file of the server, or a program there.</summary>
    CopyFileOrProgram = 1UL << 22,

    /// <summary>More than one statement.</summary>
    MultiStatement = 1UL << 23,

    /// <summary>EXPLAIN of a statement.</summary>
    Explain = 1UL << 24,

    /// <summary>LOAD of a library.</summary>
    Load = 1UL << 25,

    /// <summary>MySQL: sets a user variable, which lives as long as the session.</summary>
    UserVariable = 1UL << 26,

    /// <summary>MySQL: LOCK TABLES or UNLOCK TABLES.</summary>
    LockTables = 1UL << 27,

    /// <summary>MySQL: GET_LOCK, RELEASE_LOCK and their kin.</summary>
    GetLock = 1UL << 28,

    /// <summary>Asks what the statement before did: FOUND_ROWS, ROW_COUNT, LAST_INSERT_ID, lastval, currval, SHOW WARNINGS, GET DIAGNOSTICS.</summary>
    FoundRowsOrLastId = 1UL << 29,

    /// <summary>USE of another database.</summary>
    UseDatabase = 1UL << 30,

    /// <summary>MySQL: LOAD DATA LOCAL: the server will ask the client for a file.</summary>
    LoadDataLocal = 1UL << 31,

    /// <summary>MySQL: SELECT INTO OUTFILE or DUMPFILE.</summary>
    SelectIntoOutfile = 1UL << 32,

    /// <summary>MySQL: XA.</summary>
    Xa = 1UL << 33,

    /// <summary>MySQL: HANDLER.</summary>
    Handler = 1UL << 34,

    /// <summary>Takes row locks: FOR UPDATE, FOR SHARE, LOCK IN SHARE MODE.</summary>
    RowLocks = 1UL << 35,

    /// <summary>Ends the transaction by itself, in MySQL: DDL and its kin.</summary>
    ImplicitCommit = 1UL << 36,

    /// <summary>Runs a text that is not in the statement, or code of its own: nobody can tell here what it will do.</summary>
    DynamicSql = 1UL << 37,

    /// <summary>Changes how quotes are read, or the character set: <see cref="SqlQuoting"/> must follow.</summary>
    ChangesQuoting = 1UL << 38,

    /// <summary>Must stand outside a transaction: VACUUM, CREATE DATABASE, CREATE INDEX CONCURRENTLY.</summary>
    OutsideTransaction = 1UL << 39,

    /// <summary>Calls functions that are not known, so that what they do is not known either.</summary>
    UnknownFunction = 1UL << 40,

    /// <summary>No statement at all: blanks and comments.</summary>
    Empty = 1UL << 41,

    /// <summary>Could not be read soundly: an open quote or comment, a strange byte, too deep, too long. Counts as needing every action.</summary>
    Unreadable = 1UL << 42,

    /// <summary>ROLLBACK or COMMIT AND CHAIN.</summary>
    Chain = 1UL << 43,

    /// <summary>BEGIN or START TRANSACTION READ ONLY.</summary>
    ReadOnlyTransaction = 1UL << 44,
}
