namespace ArticDbm.Proxy.Admin;

/// <summary>What passed through a database on one loop.</summary>
internal sealed class DbStats
{
    public long Transactions, Queries, BytesIn, BytesOut, TransactionTicks, QueryTicks;

    public void Add(DbStats other)
    {
        Transactions += other.Transactions;
        Queries += other.Queries;
        BytesIn += other.BytesIn;
        BytesOut += other.BytesOut;
        TransactionTicks += other.TransactionTicks;
        QueryTicks += other.QueryTicks;
    }

    public DbStats Copy() => (DbStats)MemberwiseClone();
}
