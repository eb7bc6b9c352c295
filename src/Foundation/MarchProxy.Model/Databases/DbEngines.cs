using MarchProxy.Model.Resources;

namespace MarchProxy.Model.Databases;

/// <summary>Engines as files and metrics name them.</summary>
public static class DbEngines
{
    /// <summary>postgresql, mysql or redis.</summary>
    /// <param name="engine">The engine.</param>
    public static string Name(DbEngine engine) => engine switch { DbEngine.MySql => "mysql", DbEngine.Redis => "redis", _ => "postgresql" };
}
