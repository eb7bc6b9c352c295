namespace MarchProxy.Cli.Hosting;

/// <summary>Where an edge gets its configuration from: a file, or a manager.</summary>
internal interface IConfigSource : IAsyncDisposable
{
    /// <summary>Done once a configuration is in force for the first time; false when there is none and none will come.</summary>
    Task<bool> First { get; }

    /// <summary>Begins; a file is read now, a manager is asked.</summary>
    void Start();

    /// <summary>Has on disk what is in force: another process is about to start from it.</summary>
    void Settle();

    /// <summary>Looks again now.</summary>
    void Reload(string why);
}
