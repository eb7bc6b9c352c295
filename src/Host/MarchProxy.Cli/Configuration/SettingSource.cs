using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace MarchProxy.Cli.Configuration;

/// <summary>
/// Where a setting comes from when its flag is not given: the environment (MARCHPROXY_ and the flag's name in capitals), then the settings file
/// (the flag's name without dashes). One name each, in that order.
/// </summary>
internal sealed class SettingSource
{
    /// <summary>Read when neither --config nor MARCHPROXY_CONFIG names another.</summary>
    public const string DefaultPath = "/etc/marchproxy/marchproxy.yaml";

    private readonly Dictionary<string, string> _file;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal) { "config" };

    private SettingSource(string? path, Dictionary<string, string> file)
    {
        Path = path;
        _file = file;
    }

    /// <summary>The file that was read, or null.</summary>
    public string? Path { get; }

    /// <summary>Names in the file that no command has.</summary>
    public IEnumerable<string> Unknown => _file.Keys.Where(k => !_asked.Contains(k)).Order(StringComparer.Ordinal);

    /// <summary>Every name that a command has.</summary>
    public IReadOnlyCollection<string> Known => _asked;

    /// <summary>Reads the settings file that the command line or the environment names, or the default one where it exists.</summary>
    /// <param name="args">The command line.</param>
    /// <exception cref="SettingException">The file cannot be read, or is not a flat map.</exception>
    public static SettingSource Load(IReadOnlyList<string> args)
    {
        string? named = Named(args) ?? Environment.GetEnvironmentVariable("MARCHPROXY_CONFIG");
        string path = named ?? DefaultPath;
        if (named is null && !File.Exists(path)) return new SettingSource(null, []);
        try
        {
            Dictionary<string, object?>? read = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object?>>(File.ReadAllText(path));
            var values = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach ((string key, object? value) in read ?? [])
            {
                values[key] = value as string ?? throw new SettingException($"{path}: {key}: a setting is a single value; write {key}: VALUE.");
            }

            return new SettingSource(path, values);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"The settings file {path} cannot be read: {e.Message} Check its path and rights.");
        }
        catch (YamlException e)
        {
            throw new SettingException(string.Create(CultureInfo.InvariantCulture, $"{path}:{e.Start.Line}:{e.Start.Column}: not a map of settings: write NAME: VALUE, one a line."));
        }
    }

    /// <summary>The environment variable of an option.</summary>
    /// <param name="option">With its dashes.</param>
    public static string Variable(string option) => "MARCHPROXY_" + option[2..].Replace('-', '_').ToUpperInvariant();

    /// <summary>The value of an option that was not given as a flag, or null.</summary>
    /// <param name="option">With its dashes.</param>
    public string? Find(string option)
    {
        _asked.Add(option[2..]);
        return Environment.GetEnvironmentVariable(Variable(option)) is { Length: > 0 } value ? value : _file.GetValueOrDefault(option[2..]);
    }

    /// <summary>Notes that a command has this option.</summary>
    public void Declare(string option) => _asked.Add(option[2..]);

    private static string? Named(IReadOnlyList<string> args)
    {
        for (int i = 0; i < args.Count; i++)
        {
            if (args[i].StartsWith("--config=", StringComparison.Ordinal)) return args[i]["--config=".Length..];
            if (args[i] == "--config" && i + 1 < args.Count) return args[i + 1];
        }

        return null;
    }
}

/// <summary>A setting is wrong; the message names it and the mend.</summary>
internal sealed class SettingException(string message) : Exception(message);
