using System.Collections.Frozen;
using System.Collections.Immutable;
using ArticDbm.Security.Analysis;
using MarchProxy.Model.Resources;

namespace ArticDbm.Security;

/// <summary>Brings the tables that a text names together, each once.</summary>
internal static class TableUses
{
    /// <summary>Catalogs of PostgreSQL and MySQL that hold secrets, other people's statements, or samples of data: no more public than any table.</summary>
    private static readonly FrozenSet<string> s_secret = new[]
    {
        "pg_authid", "pg_shadow", "pg_auth_members", "pg_user_mapping", "pg_user_mappings", "pg_statistic", "pg_stats", "pg_stats_ext", "pg_stats_ext_exprs", "pg_statistic_ext_data", "pg_largeobject", "pg_stat_activity",
        "pg_stat_statements", "pg_prepared_statements", "pg_cursors", "pg_hba_file_rules", "pg_ident_file_mappings", "pg_file_settings", "pg_subscription", "pg_stat_ssl", "pg_stat_gssapi", "pg_stat_replication", "pg_seclabel",
        "pg_config", "pg_foreign_server", "pg_backend_memory_contexts", "pg_shmem_allocations", "pg_replication_slots", "processlist", "user_privileges", "applicable_roles", "user_mapping_options", "foreign_server_options",
        "innodb_buffer_page", "innodb_trx", "innodb_locks", "user_attributes", "pg_db_role_setting",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Catalogs that drivers and tools read without naming their schema.</summary>
    private static readonly FrozenSet<string> s_public = new[]
    {
        "pg_aggregate", "pg_am", "pg_amop", "pg_amproc", "pg_attrdef", "pg_attribute", "pg_available_extensions", "pg_cast", "pg_class", "pg_collation", "pg_constraint", "pg_conversion", "pg_database", "pg_depend",
        "pg_description", "pg_enum", "pg_event_trigger", "pg_extension", "pg_index", "pg_indexes", "pg_inherits", "pg_language", "pg_locks", "pg_matviews", "pg_namespace", "pg_opclass", "pg_operator", "pg_opfamily",
        "pg_partitioned_table", "pg_policies", "pg_policy", "pg_proc", "pg_range", "pg_rewrite", "pg_roles", "pg_rules", "pg_sequence", "pg_sequences", "pg_settings", "pg_shdepend", "pg_shdescription", "pg_stat_user_tables",
        "pg_stat_user_indexes", "pg_statio_user_tables", "pg_statistic_ext", "pg_tables", "pg_tablespace", "pg_timezone_abbrevs", "pg_timezone_names", "pg_trigger", "pg_ts_config", "pg_ts_dict", "pg_ts_parser",
        "pg_ts_template", "pg_type", "pg_user", "pg_group", "pg_views",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static ImmutableArray<TableUse> Merge(ReadOnlySpan<Use> uses, SqlDialect dialect, bool unreadable)
    {
        if (unreadable) return Unreadable(uses, dialect);
        if (uses.IsEmpty) return [];
        var result = ImmutableArray.CreateBuilder<TableUse>(uses.Length);
        var places = new Dictionary<(string, string), int>(uses.Length);
        foreach (ref readonly Use use in uses)
        {
            if (use.Actions == DbActions.None) continue;
            if (places.TryGetValue((use.Schema, use.Name), out int at))
            {
                result[at] = result[at] with { Actions = result[at].Actions | use.Actions };
                continue;
            }

            places[(use.Schema, use.Name)] = result.Count;
            result.Add(new TableUse(use.Schema, use.Name, use.Actions) { IsPublicCatalog = IsPublic(use.Schema, use.Name, dialect) });
        }

        return result.ToImmutable();
    }

    private static ImmutableArray<TableUse> Unreadable(ReadOnlySpan<Use> uses, SqlDialect dialect)
    {
        ImmutableArray<TableUse> known = Merge(uses, dialect, unreadable: false);
        return [.. known.Select(t => t with { Actions = StatementReader.EveryAction, IsPublicCatalog = false }), new TableUse("", "*", StatementReader.EveryAction)];
    }

    private static bool IsPublic(string schema, string name, SqlDialect dialect)
    {
        if (s_secret.Contains(name)) return false;
        if (string.Equals(schema, "information_schema", StringComparison.OrdinalIgnoreCase)) return true;
        return dialect == SqlDialect.PostgreSql && (schema == "pg_catalog" || (schema.Length == 0 && s_public.Contains(name)));
    }
}
