using System.Collections.Immutable;

namespace ArticDbm.Security;

/// <summary>Every rule of the firewall. Their names stand in policies: none is renamed.</summary>
public static class FirewallRules
{
    private static readonly ImmutableArray<FirewallRule>.Builder s_all = ImmutableArray.CreateBuilder<FirewallRule>(64);

    internal static readonly FirewallRule
        TautologyOr = Attack("tautology-or", "tautology", "a constant condition behind OR, which makes a filter true for every row"),
        TautologyAnd = Attack("tautology-and", "tautology", "a comparison of constants behind AND, as blind injection asks its questions"),
        TautologyColumn = Attack("tautology-column", "tautology", "a column compared with itself behind OR"),
        TautologyHaving = Attack("tautology-having", "tautology", "HAVING with a constant condition"),
        ComparisonChain = Attack("comparison-chain", "tautology", "a comparison whose result is compared with another literal (name = '' = '')"),
        StringArithmetic = Attack("string-arithmetic", "tautology", "arithmetic on string literals in a condition (name = '' - '')"),
        OddLiteral = Attack("odd-literal", "tautology", "a literal right behind another in a condition, as a quote out of place leaves it: no server takes it"),
        ConstantFiller = Trace("constant-filler", "tautology", "1 = 1 or 1 = 0 behind AND, as query builders write it too"),
        UnionProbe = Attack("union-probe", "union", "a UNION arm of nothing but NULLs or numbers behind a filtered query: counting its columns"),
        UnionConstantRow = Trace("union-constant-row", "union", "a UNION arm of constants behind a filtered query"),
        UnionServerFacts = Attack("union-server-facts", "union", "a UNION arm that selects version, account or settings of the server"),
        UnionCatalog = Attack("union-catalog", "union", "a UNION arm that reads the catalog behind a query of ordinary tables"),
        UnionCredentials = Attack("union-credentials", "union", "a UNION arm that selects passwords or secrets behind a query that does not"),
        StackedDestruction = Attack("stacked-destruction", "stacked", "DROP, TRUNCATE, ALTER or CREATE behind a query in one text"),
        StackedPrivileges = Attack("stacked-privileges", "stacked", "GRANT, REVOKE, or a change of accounts behind a query in one text"),
        StackedExecution = Attack("stacked-execution", "stacked", "EXEC, CALL, DO, PREPARE, COPY, SHUTDOWN and their kin behind a query in one text"),
        StackedWrite = Attack("stacked-write", "stacked", "a write behind a SELECT that filters by a literal, in one text that begins with it"),
        StackedScript = Trace("stacked-script", "stacked", "a write behind another SELECT in one text, as scripts and some mappers send them"),
        StackedStatements = Named("stacked-statements", "several-statements", "more than one statement in one text"),
        CommentTruncation = Attack("comment-truncation", "comment", "a comment that hides the rest of a statement: an open quote or parenthesis stands in it"),
        CommentEmpty = Attack("comment-empty", "comment", "a statement cut off by an empty comment"),
        CommentOpen = Attack("comment-open", "comment", "a comment that is opened and not closed"),
        CommentAsBlank = Attack("comment-as-blank", "comment", "comments in place of blanks between keywords"),
        TimeDelay = Attack("time-delay", "time", "a call that waits, in a condition, a sub-select, a UNION arm or a further statement"),
        DelayCall = Trace("delay-call", "time", "a statement that does nothing but wait"),
        HeavyQuery = Attack("heavy-query", "time", "a cross join of catalogs, or a series of millions, to spend time"),
        ErrorText = Attack("error-text", "error", "a function that quotes its argument in an error, over a sub-select or a fact of the server"),
        ErrorDuplicateKey = Attack("error-duplicate-key", "error", "FLOOR(RAND(0)*2), which provokes a duplicate key"),
        ErrorCast = Attack("error-cast", "error", "a text put together from a sub-select or a fact of the server, cast to a number"),
        ErrorOverflow = Attack("error-overflow", "error", "arithmetic at the edge of a number over a sub-select"),
        ErrorDivision = Attack("error-division", "error", "a division by zero that depends on a condition"),
        ProcedureAnalyse = Attack("procedure-analyse", "error", "PROCEDURE ANALYSE"),
        BlindExtraction = Attack("blind-extraction", "blind", "a text taken apart character by character in a condition"),
        BlindConditional = Attack("blind-conditional", "blind", "CASE, IF, ELT or MAKE_SET over constants or a probe, in a condition"),
        BlindPattern = Attack("blind-pattern", "blind", "RLIKE or REGEXP over a sub-select"),
        ServerFactsCondition = Attack("server-facts-condition", "blind", "version, account or settings of the server compared with a literal"),
        FileRead = Attack("file-read", "out-of-band", "a function that reads files of the server, within a query"),
        FileWrite = Attack("file-write", "out-of-band", "a function that writes files of the server, within a query, or INTO OUTFILE behind an injected one"),
        ProgramExecution = Attack("program-execution", "out-of-band", "a program started on the server"),
        NetworkCallout = Attack("network-callout", "out-of-band", "a call to another machine, within a query"),
        TextExecution = Attack("text-execution", "out-of-band", "a function that runs a text, or reads tables that its argument names, within a query"),
        FileAccess = Named("file-access", "files", "COPY, LOAD DATA, BULK INSERT, INTO OUTFILE or a function with a file of the server"),
        CopyProgram = Named("copy-program", "files", "COPY with a program of the server"),
        RemoteAccess = Named("remote-access", "remote", "another server or mail, as DBLINK, OPENQUERY and their kin reach it"),
        TextFunction = Named("text-function", "dynamic", "a function that runs a text, or reads tables that its argument names, as a statement's own purpose"),
        EncodedText = Attack("encoded-text", "encoding", "text spelled by character codes"),
        HexText = Attack("hex-text", "encoding", "readable text spelled in hexadecimal"),
        VersionedComment = Attack("versioned-comment", "encoding", "keywords in a comment that MySQL runs, within a statement"),
        AmbiguousComment = Attack("ambiguous-comment", "encoding", "a comment that one server runs and another skips"),
        NulByte = Attack("nul-byte", "encoding", "a NUL byte in the text"),
        BrokenCharacter = Trace("broken-character", "encoding", "half a character before a quote or backslash"),
        QuotingChange = Trace("quoting-change", "encoding", "a setting that changes how quotes and characters are read"),
        Unreadable = Trace("unreadable", "encoding", "a text that cannot be read soundly: an open quote, an odd parenthesis, a strange byte"),
        TooLarge = Attack("too-large", "encoding", "more tokens, tables or nesting than can be judged"),
        LiteralProbe = Trace("literal-probe", "second-order", "a literal that would be an injection if it left its quotes"),
        StoredProbe = Trace("stored-probe", "second-order", "such a literal about to be stored"),
        ShellFragment = Trace("shell-fragment", "shell", "a literal with a piece of shell"),
        CatalogProbe = Attack("catalog-probe", "catalog", "the catalog read within a query of ordinary tables"),
        CatalogCredentials = Named("catalog-credentials", "catalog-tools", "the tables in which the server keeps accounts and passwords"),
        CatalogRead = Named("catalog-read", "catalog-tools", "the catalog, as tools and drivers read it"),
        DefaultObject = Named("default-object", "default-objects", "a default account, database or schema: sa, root, guest, test, sample, master, msdb"),
        PrivilegeChange = Named("privilege-change", "privileges", "GRANT, REVOKE, CREATE USER, ALTER ROLE, SET PASSWORD and their kin"),
        RoleSwitch = Named("role-switch", "privileges", "SET ROLE, SET SESSION AUTHORIZATION, EXECUTE AS"),
        DeleteAll = Named("delete-all", "mass-write", "DELETE without WHERE, or with a constant one"),
        UpdateAll = Named("update-all", "mass-write", "UPDATE without WHERE, or with a constant one"),
        SchemaDestruction = Named("schema-destruction", "ddl", "DROP, TRUNCATE"),
        SchemaChange = Named("schema-change", "ddl", "CREATE, ALTER, RENAME"),
        DynamicSql = Named("dynamic-sql", "dynamic", "a text run as a statement: PREPARE FROM, EXEC of a text, DO"),
        CrossProtocol = Attack("cross-protocol", "nosql", "an HTTP request on a Redis port, which Redis would read as commands: the connection is closed, whatever the policy"),
        ArgumentSmuggling = Attack("argument-smuggling", "nosql", "a command's name with blanks or control characters in it: arguments were joined and not parted"),
        RespSmuggling = Attack("resp-smuggling", "nosql", "a line break and a command within a key: protocol that was put into data"),
        RespInValue = Trace("resp-in-value", "nosql", "a line break and a command within a value"),
        KeyLineBreak = Named("key-line-break", "nosql-habits", "a line break within a key"),
        InlineCommand = Named("inline-command", "nosql-habits", "a command typed as a line, as telnet does and no client library"),
        ScriptEscape = Attack("script-escape", "nosql", "a script that reaches out of its sandbox: load, loadstring, package, io, os.execute, debug, getmetatable and their kin"),
        ScriptDangerous = Attack("script-dangerous", "nosql", "a script that calls a command which is refused outside of scripts: FLUSHALL, CONFIG, SHUTDOWN and their kin"),
        ScriptTruncation = Attack("script-truncation", "nosql", "a script whose rest is cut off by a comment in which a quote or parenthesis stands open"),
        ScriptLiterals = Trace("script-literals", "nosql", "a script with its data spelled out in it, and neither KEYS nor ARGV: it looks put together from outside"),
        ScriptComputed = Trace("script-computed", "nosql", "a script that works out which command it calls");

    private static readonly ImmutableArray<FirewallRule> s_rules = s_all.ToImmutable();

    /// <summary>All rules, by category.</summary>
    public static ImmutableArray<FirewallRule> All => s_rules;

    private static FirewallRule Attack(string name, string category, string finds) => Add(name, category, RuleGrade.Attack, finds);

    private static FirewallRule Trace(string name, string category, string finds) => Add(name, category, RuleGrade.Trace, finds);

    private static FirewallRule Named(string name, string category, string finds) => Add(name, category, RuleGrade.Named, finds);

    private static FirewallRule Add(string name, string category, RuleGrade grade, string finds)
    {
        var rule = new FirewallRule(name, category, grade, finds) { Index = s_all.Count };
        s_all.Add(rule);
        return rule;
    }
}
