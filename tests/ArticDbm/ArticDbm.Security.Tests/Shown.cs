using System.Text;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security;

/// <summary>Reports in a short notation: <c>orders: select+update; audit.log: insert; +call</c>.</summary>
internal static class Shown
{
    public static StatementReport Read(string sql, SqlDialect dialect = SqlDialect.PostgreSql, SqlQuoting quoting = SqlQuoting.Usual) => StatementReader.Read(dialect, Encoding.UTF8.GetBytes(sql), quoting);

    public static string Uses(string sql, SqlDialect dialect = SqlDialect.PostgreSql) => Uses(Read(sql, dialect));

    public static string Uses(StatementReport report)
    {
        IEnumerable<string> tables = report.Tables.OrderBy(t => t.ToString(), StringComparer.Ordinal).Select(t => $"{t}: {Words(t.Actions)}");
        return string.Join("; ", report.GeneralActions == DbActions.None ? tables : tables.Append("+" + Words(report.GeneralActions)));
    }

    public static string Hits(string sql, SqlDialect dialect = SqlDialect.PostgreSql) => string.Join(" ", Read(sql, dialect).Hits.Select(h => h.Rule.Name));

    private static string Words(DbActions actions) => actions.ToString().ToLowerInvariant().Replace(", ", "+", StringComparison.Ordinal);
}
