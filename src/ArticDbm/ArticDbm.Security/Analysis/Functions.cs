using ArticDbm.Security.Lexing;

namespace ArticDbm.Security.Analysis;

/// <summary>What is known of a function.</summary>
[Flags]
internal enum FunctionKind : uint
{
    None = 0,

    /// <summary>Reads and computes: a replica may run it.</summary>
    Pure = 1,

    /// <summary>Writes, or takes locks.</summary>
    Writes = 2,

    /// <summary>Takes or frees advisory locks of the session.</summary>
    Advisory = 4,
    Notify = 8,

    /// <summary>Changes a setting.</summary>
    SetConfig = 16,

    /// <summary>Runs a text, or reads any table that its arguments name.</summary>
    RunsText = 32,
    FileRead = 64,
    FileWrite = 128,

    /// <summary>Starts a program on the server.</summary>
    Program = 256,

    /// <summary>Reaches out to another machine.</summary>
    Callout = 512,

    /// <summary>Tells what the statement before did.</summary>
    LastId = 1024,
    UserLock = 2048,

    /// <summary>Waits.</summary>
    Delay = 4096,

    /// <summary>Tells about server, session or account.</summary>
    Fact = 8192,

    /// <summary>The code of a character, or another measure of a text that blind injection reads bit by bit.</summary>
    CharCode = 16384,

    /// <summary>A part of a text.</summary>
    Slice = 32768,

    /// <summary>Raises an error that quotes its argument.</summary>
    ErrorText = 65536,

    /// <summary>Chooses by its first argument.</summary>
    Conditional = 1 << 17,

    /// <summary>Makes text of character codes.</summary>
    CharMaker = 1 << 18,

    /// <summary>Takes rights over the server.</summary>
    Admin = 1 << 19,

    /// <summary>Puts texts together.</summary>
    Concat = 1 << 20,
}

/// <summary>The functions that matter to routing, to rights, or to detectors.</summary>
internal static class Functions
{
    private static readonly WordTable<FunctionKind> s_table = new(Build());

    public static FunctionKind Find(ReadOnlySpan<byte> name) => s_table.TryGet(name, out FunctionKind kind) ? kind : FunctionKind.None;

    private static Dictionary<string, FunctionKind> Build()
    {
        var table = new Dictionary<string, FunctionKind>(StringComparer.OrdinalIgnoreCase);
        void Add(FunctionKind kind, string names)
        {
            foreach (string name in names.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) table[name] = table.GetValueOrDefault(name) | kind;
        }

        Add(FunctionKind.Pure, FunctionNames.Pure);
        Add(FunctionKind.Pure | FunctionKind.Fact, FunctionNames.Facts);
        Add(FunctionKind.Pure | FunctionKind.CharCode, "ascii ord unicode hex bin bit_length char_length character_length length octet_length len datalength crc32 md5 sha1 sha sha2 to_hex encode oct conv to_base64");
        Add(FunctionKind.Pure | FunctionKind.Slice, "substring substr mid left right strcmp instr locate position charindex patindex strpos insert lpad rpad reverse regexp_substr split_part substring_index");
        Add(FunctionKind.Pure | FunctionKind.Conditional, "if iif ifnull nullif isnull elt make_set decode choose nvl nvl2");
        Add(FunctionKind.Pure | FunctionKind.CharMaker, "char chr nchar unhex");
        Add(FunctionKind.Pure | FunctionKind.Concat, "concat concat_ws group_concat string_agg listagg array_agg json_arrayagg xmlagg");
        Add(FunctionKind.Pure | FunctionKind.ErrorText, "extractvalue updatexml gtid_subset gtid_subtract geometrycollection polygon multipoint multilinestring multipolygon linestring json_keys name_const st_latfromgeohash st_longfromgeohash st_pointfromgeohash");
        Add(FunctionKind.Writes, FunctionNames.Writes);
        Add(FunctionKind.Writes | FunctionKind.Advisory, "pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_unlock_all");
        Add(FunctionKind.Writes, "pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared");
        Add(FunctionKind.Writes | FunctionKind.Notify, "pg_notify");
        Add(FunctionKind.Writes | FunctionKind.SetConfig, "set_config");
        Add(FunctionKind.Writes | FunctionKind.RunsText | FunctionKind.Admin, FunctionNames.RunText);
        Add(FunctionKind.FileRead | FunctionKind.Admin, "load_file pg_read_file pg_read_binary_file pg_ls_dir pg_ls_logdir pg_ls_waldir pg_ls_tmpdir pg_ls_archive_statusdir pg_stat_file pg_current_logfile openrowset bfilename utl_file xp_fileexist xp_dirtree xp_subdirs xp_availablemedia xp_enumdsn fn_trace_gettable fn_xe_file_target_read_file fn_get_audit_file lo_import readfile");
        Add(FunctionKind.Writes | FunctionKind.FileWrite | FunctionKind.Admin, "lo_export pg_file_write pg_file_rename pg_file_unlink pg_file_sync pg_logfile_rotate pg_logdir_ls");
        Add(FunctionKind.Writes, "lo_import");
        Add(FunctionKind.Writes | FunctionKind.Program | FunctionKind.Admin, "xp_cmdshell sys_exec sys_eval sys_get sys_set sys_bineval sp_oacreate sp_oamethod sp_oagetproperty xp_regread xp_regwrite xp_regdeletevalue xp_regdeletekey xp_servicecontrol sp_execute_external_script sp_makewebtask lib_mysqludf_sys_info load_extension");
        Add(FunctionKind.Writes | FunctionKind.Callout | FunctionKind.Admin, "dblink dblink_connect dblink_connect_u dblink_exec dblink_open dblink_fetch dblink_send_query dblink_get_result http_get http_post http_put http_delete http httpuritype utl_http utl_inaddr utl_smtp utl_tcp opendatasource openquery sp_addlinkedserver postgres_fdw_get_connections pg_read_server_files");
        Add(FunctionKind.Callout | FunctionKind.Admin, "xp_dirtree xp_fileexist xp_subdirs xp_getfiledetails");
        Add(FunctionKind.Writes | FunctionKind.Admin, "sp_start_job sp_add_job sp_add_jobstep sp_send_dbmail xp_sendmail");
        Add(FunctionKind.LastId, "found_rows row_count last_insert_id lastval currval scope_identity ident_current");
        Add(FunctionKind.Writes | FunctionKind.UserLock, "get_lock release_lock release_all_locks is_free_lock is_used_lock");
        Add(FunctionKind.Writes | FunctionKind.Delay, "sleep pg_sleep pg_sleep_for pg_sleep_until benchmark dbms_lock dbms_pipe randomblob");
        Add(FunctionKind.Writes | FunctionKind.Admin, FunctionNames.Admin);
        return table;
    }
}
