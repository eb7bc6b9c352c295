using ArticDbm.Security;

namespace MarchProxy.Bench.Firewall;

/// <summary>Where untrusted text stands in a query.</summary>
internal enum Place
{
    Number,
    SingleQuoted,
    DoubleQuoted,
    OrderBy,
}

/// <summary>A query of an application, with the place for a value.</summary>
internal sealed record AttackTemplate(Place Place, int Parentheses, string Before, string Behind)
{
    private static readonly AttackTemplate[] s_all =
    [
        new(Place.Number, 0, "SELECT id, name, price FROM products WHERE id = ", ""),
        new(Place.Number, 0, "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'open' AND o.customer_id = ", " ORDER BY o.created_at DESC LIMIT 20"),
        new(Place.Number, 1, "SELECT id, title FROM articles WHERE (category_id = ", ") AND published = 1 ORDER BY title"),
        new(Place.Number, 2, "SELECT id FROM articles WHERE ((category_id = ", ") AND published = 1)"),
        new(Place.Number, 0, "UPDATE sessions SET seen = '2026-01-02' WHERE id = ", ""),
        new(Place.SingleQuoted, 0, "SELECT id, role FROM users WHERE name = '", "' AND password = 'b1946ac9'"),
        new(Place.SingleQuoted, 0, "SELECT id, name, price FROM products WHERE name LIKE '%", "%' ORDER BY name LIMIT 10"),
        new(Place.SingleQuoted, 1, "SELECT id, title FROM articles WHERE (author = '", "') AND published = 1"),
        new(Place.SingleQuoted, 2, "SELECT id FROM articles WHERE ((author = '", "') AND published = 1)"),
        new(Place.SingleQuoted, 1, "INSERT INTO comments (author, body) VALUES ('", "', 'hello')"),
        new(Place.DoubleQuoted, 0, "SELECT id, role FROM users WHERE name = \"", "\" AND password = \"b1946ac9\""),
        new(Place.DoubleQuoted, 1, "SELECT id, title FROM articles WHERE (author = \"", "\") AND published = 1"),
        new(Place.OrderBy, 0, "SELECT id, name, price FROM products WHERE price > 10 ORDER BY ", ""),
    ];

    /// <summary>The templates of a dialect: double quotes enclose values in MySQL alone.</summary>
    public static IEnumerable<AttackTemplate> For(SqlDialect dialect) => s_all.Where(t => t.Place != Place.DoubleQuoted || dialect == SqlDialect.MySql);

    /// <summary>The query with a value in its place.</summary>
    public string With(string value) => Before + value + Behind;

    /// <summary>A value that an application means.</summary>
    public string Plain => With(Place is Place.Number or Place.OrderBy ? "1" : "abc");
}
