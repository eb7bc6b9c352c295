using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Rules;

/// <summary>Tables of the server's own.</summary>
internal static class Catalogs
{
    private static readonly WordTable<bool> s_credentials = Words(
        "pg_shadow pg_authid pg_user_mapping pg_user_mappings authentication_string sysxlogins syslogins sql_logins server_principals dba_users sys_users user$ mysql_user");

    private static readonly WordTable<bool> s_schemas = Words("information_schema performance_schema mysql sys pg_catalog msdb master tempdb model");

    private static readonly WordTable<bool> s_tables = Words("""
        sysobjects syscolumns sysusers sysdatabases sysprocesses sysservers syslogins sysxlogins systables sqlite_master sqlite_schema sqlite_temp_master all_tables all_tab_columns all_tab_cols all_users all_objects
        all_db_links user_tables user_tab_columns user_objects user_users user_role_privs user_sys_privs session_privs v$version v$instance v$database v$session dba_tables dba_users dba_role_privs pg_tables pg_user pg_shadow
        pg_authid pg_roles pg_database pg_stat_activity pg_class pg_namespace pg_attribute pg_type pg_proc rdb$relations rdb$relation_fields rdb$fields rdb$functions rdb$types rdb$collations mon$attachments
        msysobjects msysaccessobjects msysqueries syscat sysibm sysdummy1 domain domains systypes sysmaster syslanguages innodb_table_stats
        """);

    /// <summary>Small catalogs that PostgreSQL's own functions join in ordinary queries.</summary>
    private static readonly WordTable<bool> s_ordinary = Words("pg_class pg_namespace pg_attribute pg_type pg_proc domain domains");

    private static readonly WordTable<bool> s_default = Words("sa root guest test sample demo example master msdb tempdb model northwind adventureworks pubs scott");

    /// <summary>A table by its parts as they stand: <c>information_schema.tables</c>, <c>sysobjects</c>.</summary>
    public static bool IsCatalog(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => second.IsEmpty ? s_tables.TryGet(first, out _) : s_schemas.TryGet(first, out _) || s_tables.TryGet(second, out _);

    /// <summary>A catalog whose reading beside ordinary tables is strange.</summary>
    public static bool IsTelling(ReadOnlySpan<byte> schema, ReadOnlySpan<byte> name) => IsCatalog(schema.IsEmpty ? name : schema, schema.IsEmpty ? default : name) && !s_ordinary.TryGet(name, out _);

    public static bool IsCredentials(ReadOnlySpan<byte> schema, ReadOnlySpan<byte> name) => s_credentials.TryGet(name, out _)
        || (System.Text.Ascii.EqualsIgnoreCase(schema, "mysql"u8) && (System.Text.Ascii.EqualsIgnoreCase(name, "user"u8) || System.Text.Ascii.EqualsIgnoreCase(name, "db"u8) || System.Text.Ascii.EqualsIgnoreCase(name, "global_priv"u8) || System.Text.Ascii.EqualsIgnoreCase(name, "proxies_priv"u8)));

    public static bool IsDefault(ReadOnlySpan<byte> name) => s_default.TryGet(name, out _);

    private static WordTable<bool> Words(string words) => new(words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).Select(w => KeyValuePair.Create(w, true)));
}
