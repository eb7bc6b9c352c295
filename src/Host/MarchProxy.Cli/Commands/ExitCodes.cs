namespace MarchProxy.Cli.Commands;

/// <summary>What the exit status means, in every command.</summary>
internal static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>What was asked for failed while running.</summary>
    public const int Failed = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>A resource file has errors; nothing of it was used.</summary>
    public const int Invalid = 3;
}
