using System.Collections.Immutable;

namespace MarchProxy.Model.Databases;

/// <summary>
/// What <c>detection</c> of a security policy may name. The rules themselves live above the model, which must refuse a name that none has: a mistyped one would protect nobody, and say nothing.
/// A test holds the two together.
/// </summary>
public static class DetectionKeys
{
    /// <summary><c>default</c>, the categories, the rules.</summary>
    public static ImmutableArray<string> All { get; } =
    [
        "default",
        "tautology", "union", "stacked", "several-statements", "comment", "time", "error", "blind", "out-of-band", "files", "remote", "dynamic", "encoding",
        "second-order", "shell", "catalog", "catalog-tools", "default-objects", "privileges", "mass-write", "ddl", "nosql", "nosql-habits",
        "tautology-or", "tautology-and", "tautology-column", "tautology-having", "comparison-chain", "string-arithmetic", "odd-literal", "constant-filler",
        "union-probe", "union-constant-row", "union-server-facts", "union-catalog", "union-credentials", "stacked-destruction", "stacked-privileges",
        "stacked-execution", "stacked-write", "stacked-script", "stacked-statements", "comment-truncation", "comment-empty", "comment-open", "comment-as-blank",
        "time-delay", "delay-call", "heavy-query", "error-text", "error-duplicate-key", "error-cast", "error-overflow", "error-division", "procedure-analyse",
        "blind-extraction", "blind-conditional", "blind-pattern", "server-facts-condition", "file-read", "file-write", "program-execution", "network-callout",
        "text-execution", "file-access", "copy-program", "remote-access", "text-function", "encoded-text", "hex-text", "versioned-comment", "ambiguous-comment",
        "nul-byte", "broken-character", "quoting-change", "unreadable", "too-large", "literal-probe", "stored-probe", "shell-fragment", "catalog-probe",
        "catalog-credentials", "catalog-read", "default-object", "privilege-change", "role-switch", "delete-all", "update-all", "schema-destruction", "schema-change",
        "dynamic-sql", "cross-protocol", "argument-smuggling", "resp-smuggling", "resp-in-value", "key-line-break", "inline-command", "script-escape",
        "script-dangerous", "script-truncation", "script-literals", "script-computed",
    ];
}
