using System.Text.Json;
using MarchProxy.Cli.Configuration;
using MarchProxy.Cli.Hosting;

namespace MarchProxy.Cli.Client;

/// <summary>Where the command line goes and how it proves who asks: MARCHPROXY_URL and MARCHPROXY_TOKEN, else what <c>login</c> kept.</summary>
internal sealed record Credentials(Uri Url, string AccessToken, string? RefreshToken)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    private static string File => Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } configured ? configured : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config"),
        "marchproxy", "credentials.json");

    public static Credentials Load()
    {
        string? url = Environment.GetEnvironmentVariable("MARCHPROXY_URL"), token = Environment.GetEnvironmentVariable("MARCHPROXY_TOKEN");
        if (token is { Length: > 0 }) return new Credentials(ParseUrl(url ?? "http://127.0.0.1:8000"), token, null);
        try
        {
            if (System.IO.File.Exists(File) && JsonSerializer.Deserialize<Credentials>(System.IO.File.ReadAllText(File), s_json) is { } kept) return kept;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new SettingException($"{File} cannot be read: {e.Message} Sign in again: marchproxy login URL.");
        }

        throw new SettingException("Sign in first: marchproxy login http://127.0.0.1:8000, or set MARCHPROXY_URL and MARCHPROXY_TOKEN.");
    }

    public static Uri ParseUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" ? url : throw new SettingException($"{text} is not http://HOST:PORT or https://HOST:PORT.");

    public void Save()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(File)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            KeyFile.Write(File, JsonSerializer.Serialize(this, s_json));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"{File} cannot be written: {e.Message}");
        }
    }
}
