namespace ArticDbm.Protocols.Redis;

/// <content>
/// The commands, from the documentation of each: a name, letters, and where the keys stand (first, last, step; or a <see cref="RedisKeyPlace"/> and the argument with the count).
/// Letters: r reads, w writes, a admin, s scripting, k all keys, b blocks, q blocks when asked, p pub/sub, c channels, g patterns of channels, o the proxy's own, t transaction, - none;
/// in a cluster its parts are joined by [ array, + sum, &amp; status.
/// </content>
public static partial class RedisCommands
{
    private const string Table = """
        GET r 1
        SET w 1
        SETNX w 1
        SETEX w 1
        PSETEX w 1
        GETSET w 1
        GETDEL w 1
        GETEX w 1
        MGET r[ 1 -1 1
        MSET w& 1 -1 2
        MSETNX w 1 -1 2
        APPEND w 1
        STRLEN r 1
        INCR w 1
        INCRBY w 1
        INCRBYFLOAT w 1
        DECR w 1
        DECRBY w 1
        GETRANGE r 1
        SUBSTR r 1
        SETRANGE w 1
        LCS r 1 2 1
        SETBIT w 1
        GETBIT r 1
        BITCOUNT r 1
        BITPOS r 1
        BITFIELD w 1
        BITFIELD_RO r 1
        BITOP w 2 -1 1
        DEL w+ 1 -1 1
        UNLINK w+ 1 -1 1
        EXISTS r+ 1 -1 1
        TOUCH r+ 1 -1 1
        TYPE r 1
        EXPIRE w 1
        PEXPIRE w 1
        EXPIREAT w 1
        PEXPIREAT w 1
        EXPIRETIME r 1
        PEXPIRETIME r 1
        TTL r 1
        PTTL r 1
        PERSIST w 1
        RENAME w 1 2 1
        RENAMENX w 1 2 1
        COPY w 1 2 1
        MOVE ak 1
        DUMP r 1
        RESTORE aw 1
        RESTORE-ASKING aw 1
        MIGRATE aw Migrate 3
        SORT w Sort 1
        SORT_RO r Sort 1
        OBJECT r 2
        OBJECT|HELP -
        RANDOMKEY rk
        SCAN rk
        KEYS ark[
        DBSIZE rk+
        LPUSH w 1
        RPUSH w 1
        LPUSHX w 1
        RPUSHX w 1
        LPOP w 1
        RPOP w 1
        LLEN r 1
        LINDEX r 1
        LRANGE r 1
        LSET w 1
        LREM w 1
        LTRIM w 1
        LINSERT w 1
        LPOS r 1
        LMOVE w 1 2 1
        RPOPLPUSH w 1 2 1
        LMPOP w Counted 1
        BLPOP wb 1 -2 1
        BRPOP wb 1 -2 1
        BLMOVE wb 1 2 1
        BRPOPLPUSH wb 1 2 1
        BLMPOP wb Counted 2
        SADD w 1
        SREM w 1
        SPOP w 1
        SCARD r 1
        SISMEMBER r 1
        SMISMEMBER r 1
        SMEMBERS r 1
        SRANDMEMBER r 1
        SMOVE w 1 2 1
        SINTER r 1 -1 1
        SUNION r 1 -1 1
        SDIFF r 1 -1 1
        SINTERSTORE w 1 -1 1
        SUNIONSTORE w 1 -1 1
        SDIFFSTORE w 1 -1 1
        SINTERCARD r Counted 1
        SSCAN r 1
        HSET w 1
        HSETNX w 1
        HMSET w 1
        HGET r 1
        HMGET r 1
        HGETALL r 1
        HKEYS r 1
        HVALS r 1
        HLEN r 1
        HSTRLEN r 1
        HEXISTS r 1
        HDEL w 1
        HINCRBY w 1
        HINCRBYFLOAT w 1
        HRANDFIELD r 1
        HSCAN r 1
        HEXPIRE w 1
        HPEXPIRE w 1
        HEXPIREAT w 1
        HPEXPIREAT w 1
        HEXPIRETIME r 1
        HPEXPIRETIME r 1
        HTTL r 1
        HPTTL r 1
        HPERSIST w 1
        ZADD w 1
        ZINCRBY w 1
        ZREM w 1
        ZCARD r 1
        ZCOUNT r 1
        ZSCORE r 1
        ZMSCORE r 1
        ZRANK r 1
        ZREVRANK r 1
        ZRANGE r 1
        ZRANGEBYSCORE r 1
        ZRANGEBYLEX r 1
        ZREVRANGE r 1
        ZREVRANGEBYSCORE r 1
        ZREVRANGEBYLEX r 1
        ZLEXCOUNT r 1
        ZRANGESTORE w 1 2 1
        ZREMRANGEBYRANK w 1
        ZREMRANGEBYSCORE w 1
        ZREMRANGEBYLEX w 1
        ZPOPMIN w 1
        ZPOPMAX w 1
        ZRANDMEMBER r 1
        ZSCAN r 1
        ZUNION r Counted 1
        ZINTER r Counted 1
        ZDIFF r Counted 1
        ZINTERCARD r Counted 1
        ZMPOP w Counted 1
        ZUNIONSTORE w DestinationAndCounted 2
        ZINTERSTORE w DestinationAndCounted 2
        ZDIFFSTORE w DestinationAndCounted 2
        BZPOPMIN wb 1 -2 1
        BZPOPMAX wb 1 -2 1
        BZMPOP wb Counted 2
        GEOADD w 1
        GEODIST r 1
        GEOHASH r 1
        GEOPOS r 1
        GEOSEARCH r 1
        GEOSEARCHSTORE w 1 2 1
        GEORADIUS w Stored 1
        GEORADIUS_RO r 1
        GEORADIUSBYMEMBER w Stored 1
        GEORADIUSBYMEMBER_RO r 1
        PFADD w 1
        PFCOUNT r 1 -1 1
        PFMERGE w 1 -1 1
        PFDEBUG a 2
        PFSELFTEST a
        XADD w 1
        XLEN r 1
        XRANGE r 1
        XREVRANGE r 1
        XDEL w 1
        XTRIM w 1
        XACK w 1
        XPENDING r 1
        XCLAIM w 1
        XAUTOCLAIM w 1
        XSETID w 1
        XINFO r 2
        XINFO|HELP -
        XGROUP w 2
        XGROUP|HELP -
        XREAD rq Streams
        XREADGROUP wq Streams
        PUBLISH wc 1
        SPUBLISH wc 1
        SUBSCRIBE rpc 1 -1 1
        UNSUBSCRIBE p
        PSUBSCRIBE rpcg 1 -1 1
        PUNSUBSCRIBE p
        SSUBSCRIBE rpc 1 -1 1
        SUNSUBSCRIBE p
        PUBSUB rk
        MULTI t
        EXEC t
        DISCARD t
        WATCH rt 1 -1 1
        UNWATCH t
        EVAL s Counted 2
        EVALSHA s Counted 2
        EVAL_RO s Counted 2
        EVALSHA_RO s Counted 2
        FCALL s Counted 2
        FCALL_RO s Counted 2
        SCRIPT a
        FUNCTION a
        FUNCTION|LIST s
        FUNCTION|STATS s
        FUNCTION|HELP -
        AUTH o
        HELLO o
        QUIT o
        RESET o
        PING o
        SELECT o
        CLIENT ao
        CLIENT|SETNAME o
        CLIENT|GETNAME o
        CLIENT|SETINFO o
        CLIENT|ID o
        CLIENT|INFO o
        CLIENT|LIST o
        CLIENT|NO-EVICT o
        CLIENT|NO-TOUCH o
        CLIENT|REPLY o
        CLIENT|HELP -
        CLIENT|TRACKING ro
        CLIENT|TRACKINGINFO r
        CLIENT|CACHING r
        CLIENT|GETREDIR r
        CLIENT|KILL a
        CLIENT|PAUSE a
        CLIENT|UNPAUSE a
        CLIENT|UNBLOCK a
        READONLY o
        READWRITE o
        ASKING o
        ECHO -
        TIME -
        LOLWUT -
        COMMAND -
        ROLE -
        WAIT b
        WAITAOF b
        INFO r
        MEMORY a
        MEMORY|USAGE r 2
        MEMORY|HELP -
        LATENCY a
        SLOWLOG a
        FLUSHDB awk&
        FLUSHALL awk&
        SHUTDOWN a
        DEBUG a
        CONFIG a
        MONITOR aro
        SYNC ao
        PSYNC ao
        REPLCONF ao
        REPLICAOF a
        SLAVEOF a
        CLUSTER a
        MODULE a
        ACL a
        ACL|WHOAMI o
        SWAPDB awk
        SAVE a
        BGSAVE a
        BGREWRITEAOF a
        LASTSAVE a
        FAILOVER a
        """;
}
