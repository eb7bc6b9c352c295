namespace ArticDbm.Security.Analysis;

/// <summary>Names of built-in functions by what they do. A name that is in no list is not known to only read.</summary>
internal static class FunctionNames
{
    /// <summary>Read and compute, on every server alike.</summary>
    public const string Pure = """
        abs acos acosh age any_value area array_agg array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions array_prepend array_remove array_replace
        array_sample array_shuffle array_to_json array_to_string array_to_tsvector array_upper asin asinh atan atan2 atanh avg bit_and bit_count bit_or bit_xor bool_and bool_or bound_box box broadcast btrim cardinality
        cast cbrt ceil ceiling center char_length coalesce collation col_description concat concat_ws convert convert_from convert_to corr cos cosh cot count count_big covar_pop covar_samp cube cume_dist curdate
        current_date current_time current_timestamp curtime date dateadd datediff datediff_big datefromparts datename datepart date_add date_bin date_format date_part date_sub date_trunc day dayname dayofmonth dayofweek
        dayofyear decimal degrees dense_rank diagonal diameter div dense difference enum_first enum_last enum_range eomonth erf every exp extract factorial family field find_in_set first first_value floor format
        format_type from_base64 from_days from_unixtime gcd generate_series generate_subscripts gen_random_uuid getdate get_bit get_byte greatest grouping height has_any_column_privilege has_column_privilege
        has_database_privilege has_function_privilege has_schema_privilege has_sequence_privilege has_table_privilege host hour inet_aton inet_ntoa inet6_aton inet6_ntoa inet_merge inet_same_family initcap
        int4range int8range numrange tsrange tstzrange daterange int4multirange interval isempty isfinite is_uuid jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
        jsonb_build_object jsonb_concat jsonb_each jsonb_each_text jsonb_exists jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists
        jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record
        jsonb_to_recordset jsonb_typeof json_agg json_array json_array_append json_array_elements json_array_elements_text json_array_length json_arrayagg json_build_array json_build_object json_contains
        json_contains_path json_depth json_each json_each_text json_extract json_extract_path json_extract_path_text json_insert json_length json_merge json_merge_patch json_merge_preserve json_object json_objectagg
        json_object_agg json_object_keys json_overlaps json_populate_record json_populate_recordset json_pretty json_quote json_query json_remove json_replace json_search json_set json_strip_nulls json_table
        json_to_record json_to_recordset json_type json_typeof json_unquote json_valid json_value isjson justify_days justify_hours justify_interval lag last_day last_value lcase lcm lead least line ln localtime
        localtimestamp log log10 log2 lower lower_inc lower_inf lseg ltrim macaddr8_set7bit makedate maketime make_date make_interval make_time make_timestamp make_timestamptz masklen max microsecond min
        min_scale minute mod mode month monthname multirange network now nth_value ntile num_nonnulls num_nulls numnode numeric obj_description overlay parse_ident path percentile_cont percentile_disc percent_rank
        period_add period_diff pg_column_size pg_client_encoding pg_describe_object pg_encoding_to_char pg_function_is_visible pg_get_constraintdef pg_get_expr pg_get_function_arguments
        pg_get_function_identity_arguments pg_get_function_result pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef pg_get_triggerdef
        pg_get_userbyid pg_get_viewdef pg_has_role pg_identify_object pg_is_in_recovery pg_is_other_temp_schema pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_my_temp_schema
        pg_opclass_is_visible pg_operator_is_visible pg_options_to_table pg_relation_filenode pg_relation_size pg_size_bytes pg_size_pretty pg_table_is_visible pg_table_size pg_tablespace_location pg_total_relation_size
        pg_indexes_size pg_database_size pg_type_is_visible pg_typeof pg_wal_lsn_diff phraseto_tsquery pi plainto_tsquery point polygon popen pow power quarter quote quotename quote_ident quote_literal quote_nullable radians
        radius rand random range_agg range_merge range_intersect_agg rank regexp_count regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regr_avgx regr_avgy
        regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat replace replicate round rollup row row_number row_to_json rtrim scale second sec_to_time set_bit set_byte set_masklen setseed setweight
        shobj_description sign sin sinh slope soundex space sqrt square starts_with statement_timestamp std stddev stddev_pop stddev_samp stdev str string_agg string_split string_to_array string_to_table strip stuff
        str_to_date subdate adddate addtime subtime sum suppress sysdate sysdatetime switchoffset tan tanh text time timediff timeofday timestamp timestampadd timestampdiff time_format time_to_sec todatetimeoffset
        to_char to_date to_days to_json to_jsonb to_number to_regclass to_regnamespace to_regproc to_regrole to_regtype to_seconds to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim trim_array
        trim_scale trunc truncate try_cast try_convert try_parse parse tsquery_phrase tsvector_to_array ts_delete ts_filter ts_headline ts_lexize ts_rank ts_rank_cd ucase unistr unix_timestamp unnest upper upper_inc
        upper_inf utc_date utc_time utc_timestamp uuid uuid_short uuid_to_bin bin_to_uuid values variance var_pop var_samp var varp weekday weekofyear week weight_string websearch_to_tsquery width width_bucket xmlagg
        xmlattributes xmlcomment xmlconcat xmlelement xmlexists xmlforest xmlparse xmlpi xmlroot xmlserialize xmltable xml_is_well_formed xpath xpath_exists year yearweek rows system bernoulli using in exists any some
        all as on over partition filter within and or not when then else case between by values set where from select having join index key primary unique check foreign references default like limit grouping
        interval array varchar character char nchar varbinary binary bit int integer bigint smallint float double real timestamptz timetz money inet cidr json jsonb xml uuid
        """;

    /// <summary>Tell about server, session or account.</summary>
    public const string Facts = """
        version user current_user session_user system_user database schema current_database current_schema current_schemas current_catalog current_role current_setting inet_server_addr inet_server_port
        inet_client_addr inet_client_port pg_postmaster_start_time pg_conf_load_time pg_backend_pid connection_id suser_name suser_sname user_name user_id db_name db_id host_name serverproperty original_login
        is_srvrolemember is_member object_id object_name app_name col_name getpgusername txid_current_if_assigned pg_listening_channels sqlite_version
        """;

    /// <summary>Write, or change something that others see.</summary>
    public const string Writes = """
        nextval setval lo_create lo_creat lo_unlink lo_open lo_close lo_put lo_from_bytea lowrite lo_write lo_truncate lo_truncate64 lo_lseek lo_lseek64 lo_tell loread lo_get txid_current pg_current_xact_id pg_export_snapshot
        pg_stat_reset pg_stat_reset_shared pg_stat_statements_reset pg_logical_emit_message uuid_generate_v1 newid newsequentialid master_pos_wait source_pos_wait wait_for_executed_gtid_set
        wait_until_sql_thread_after_gtids
        """;

    /// <summary>Run a text, or read whatever table their arguments name.</summary>
    public const string RunText = """
        query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema table_to_xml table_to_xmlschema table_to_xml_and_xmlschema schema_to_xml schema_to_xmlschema
        schema_to_xml_and_xmlschema database_to_xml database_to_xmlschema database_to_xml_and_xmlschema ts_stat crosstab crosstab2 crosstab3 crosstab4 connectby crosstabn sp_executesql sp_execute sp_prepare sp_prepexec
        sp_msforeachtable sp_msforeachdb dbms_sql dbms_xmlquery dbms_xmlgen pg_get_wal_record_info
        """;

    /// <summary>Take rights over the server.</summary>
    public const string Admin = """
        pg_terminate_backend pg_cancel_backend pg_reload_conf pg_rotate_logfile pg_promote pg_switch_wal pg_create_restore_point pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup pg_wal_replay_pause
        pg_wal_replay_resume pg_create_physical_replication_slot pg_create_logical_replication_slot pg_drop_replication_slot pg_replication_slot_advance pg_logical_slot_get_changes pg_logical_slot_peek_changes
        pg_logical_slot_get_binary_changes pg_logical_slot_peek_binary_changes pg_replication_origin_create pg_replication_origin_drop pg_import_system_collations set_user reset_user sp_configure sp_addlogin
        sp_addsrvrolemember sp_addrolemember sp_password sp_adduser sp_grantdbaccess xp_grantlogin xp_terminate_process xp_loginconfig xp_msver
        """;
}
