using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Databases;

/// <summary>The words for actions, in files, requests and messages.</summary>
public static class DbActionNames
{
    private static readonly (string Name, DbActions Value)[] s_all =
    [
        ("select", DbActions.Select), ("insert", DbActions.Insert), ("update", DbActions.Update), ("delete", DbActions.Delete), ("ddl", DbActions.Ddl), ("call", DbActions.Call),
        ("admin", DbActions.Admin), ("read", DbActions.Read), ("write", DbActions.Write), ("scripting", DbActions.Scripting),
    ];

    /// <summary>Every word.</summary>
    public static IEnumerable<string> All => s_all.Select(a => a.Name);

    /// <summary>What a word means; <see cref="DbActions.None"/> when it is none of these.</summary>
    /// <param name="name">The word.</param>
    public static DbActions Find(string name) => s_all.FirstOrDefault(a => a.Name == name).Value;

    /// <summary>The words of some actions.</summary>
    /// <param name="actions">The actions.</param>
    public static IEnumerable<string> Of(DbActions actions) => s_all.Where(a => (actions & a.Value) != 0).Select(a => a.Name);
}
