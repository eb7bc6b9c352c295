using System.Security.Cryptography;
using System.Text;
using MarchProxy.Cli.Configuration;
using MarchProxy.Model.Secrets;

namespace MarchProxy.Cli.Hosting;

/// <summary>Key files: made at the first start, readable by their owner alone.</summary>
internal static class KeyFile
{
    /// <summary>The box under the key of a file.</summary>
    /// <exception cref="SettingException">The file cannot be read or made, or holds no key.</exception>
    public static SecretBox Open(string path)
    {
        string text = ReadOrMake(path, () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        try
        {
            return new SecretBox(Convert.FromBase64String(text));
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new SettingException($"{path} is not a key of 32 bytes in base64; put the right file back: without it nothing that is sealed can be read.");
        }
    }

    /// <summary>The text of a file that only its owner may read; made when it is not there.</summary>
    public static string ReadOrMake(string path, Func<string> make)
    {
        try
        {
            if (!File.Exists(path)) Write(path, make());
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"{path} cannot be read or made: {e.Message}");
        }
    }

    /// <summary>Writes such a file, whole or not at all.</summary>
    public static void Write(string path, string text)
    {
        string fresh = path + ".new";
        File.Delete(fresh);
        using (var file = new FileStream(fresh, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            file.Write(Encoding.UTF8.GetBytes(text + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
    }
}
