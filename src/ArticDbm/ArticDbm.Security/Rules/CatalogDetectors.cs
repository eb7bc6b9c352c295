using System.Text;
using ArticDbm.Security.Analysis;

namespace ArticDbm.Security.Rules;

/// <summary>Tables of the server's own, among those that a text names.</summary>
internal static class CatalogDetectors
{
    public static void Uses(in DetectorContext c, ref HitList hits)
    {
        ReadOnlySpan<Use> uses = c.Analysis.Uses;
        bool ordinary = false, catalog = false;
        int probe = -1;
        Span<byte> schema = stackalloc byte[64], name = stackalloc byte[64];
        foreach (ref readonly Use use in uses)
        {
            // Longer names are nobody's catalog.
            if (use.Schema.Length > 20 || use.Name.Length > 20 || !Encoding.UTF8.TryGetBytes(use.Schema, schema, out int schemaLength) || !Encoding.UTF8.TryGetBytes(use.Name, name, out int nameLength))
            {
                ordinary = true;
                continue;
            }

            ReadOnlySpan<byte> s = schema[..schemaLength], n = name[..nameLength];
            int token = Math.Min(use.Token, c.Tokens.Length - 1);
            if (Catalogs.IsDefault(s) || (s.IsEmpty && Catalogs.IsDefault(n))) hits.Add(FirewallRules.DefaultObject, c.Offset(token));
            if (Catalogs.IsCredentials(s, n)) hits.Add(FirewallRules.CatalogCredentials, c.Offset(token));
            if (!Catalogs.IsCatalog(s.IsEmpty ? n : s, s.IsEmpty ? default : n))
            {
                ordinary |= !n.StartsWith("pg_"u8);
                continue;
            }

            catalog = true;
            if ((c.Map.IsInCondition(token) || (c.Map.IsNested(token) && Catalogs.IsCredentials(s, n))) && Catalogs.IsTelling(s, n)) probe = token;
        }

        if (catalog) hits.Add(FirewallRules.CatalogRead, 0);
        if (ordinary && probe >= 0) hits.Add(FirewallRules.CatalogProbe, c.Offset(probe));
    }
}
