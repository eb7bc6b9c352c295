using System.Text;
using System.Text.RegularExpressions;

namespace MarchProxy.Edge.Tests.Http1;

/// <summary>
/// The same rules once more, slowly and by other means (strings and regular expressions), to check the fast parser against.
/// Says null for what it refuses.
/// </summary>
internal static partial class NaiveRequestParser
{
    public sealed record Request(string Method, string Target, int Minor, string Body, bool KeepAlive, string Fields);

    public static Request? Parse(byte[] bytes)
    {
        string text = Encoding.Latin1.GetString(bytes);
        if (text.StartsWith("\r\n", StringComparison.Ordinal)) text = text[2..];
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0) return null;
        string[] lines = text[..end].Split("\r\n");
        if (lines.Any(l => l.Any(c => c != '\t' && (c < ' ' || c == '\u007f')))) return null;

        Match line = RequestLine().Match(lines[0]);
        if (!line.Success) return null;
        var fields = new List<(string Name, string Value)>();
        foreach (string field in lines[1..])
        {
            Match match = FieldLine().Match(field);
            if (!match.Success) return null;
            fields.Add((match.Groups[1].Value, match.Groups[2].Value.Trim(' ', '\t')));
        }

        int minor = line.Groups[3].Value[0] - '0';
        string method = line.Groups[1].Value;
        string target = line.Groups[2].Value;
        string[] options = Members(fields, "connection");
        if (!options.All(o => Token().IsMatch(o)) || options.Any(o => o is "host" or "content-length" or "transfer-encoding")) return null;
        string? body = Body(fields, minor);
        if (body is null || (method is "CONNECT" or "TRACE" && body is not ("none" or "0")) || !HostFits(method, target, minor, fields)) return null;
        if (Values(fields, "expect").Any(v => !v.Equals("100-continue", StringComparison.OrdinalIgnoreCase))) return null;
        bool keepAlive = !options.Contains("close") && (minor == 1 || options.Contains("keep-alive"));
        return new Request(method, target, minor, body, keepAlive, string.Join('\n', fields.Select(f => $"{f.Name}: {f.Value}")));
    }

    private static string? Body(List<(string Name, string Value)> fields, int minor)
    {
        string[] lengths = Values(fields, "content-length");
        string[] codings = Members(fields, "transfer-encoding");
        bool coded = Values(fields, "transfer-encoding").Length > 0;
        if (!coded && lengths.Length == 0) return "none";
        if (coded) return lengths.Length == 0 && minor == 1 && codings is ["chunked"] ? "chunked" : null;
        if (lengths.Length != 1 || !Digits().IsMatch(lengths[0]) || lengths[0].Length > 19) return null;
        return long.TryParse(lengths[0], out long length) ? length.ToString() : null;
    }

    private static bool HostFits(string method, string target, int minor, List<(string Name, string Value)> fields)
    {
        string[] hosts = Values(fields, "host");
        string? named = null;
        int port = 80;
        if (method == "CONNECT")
        {
            if (!Authority().IsMatch(target) || Port(target) is not (> 0 and var asked)) return false;
            named = target;
            port = asked;
        }
        else if (target == "*")
        {
            if (method != "OPTIONS") return false;
        }
        else if (target[0] != '/')
        {
            Match absolute = AbsoluteForm().Match(target);
            if (!absolute.Success || !Authority().IsMatch(absolute.Groups[2].Value) || Port(absolute.Groups[2].Value) < 0) return false;
            named = absolute.Groups[2].Value;
            if (absolute.Groups[1].Value.Equals("https", StringComparison.OrdinalIgnoreCase)) port = 443;
        }

        if (hosts.Length == 0) return minor == 0;
        if (hosts.Length > 1 || !Authority().IsMatch(hosts[0]) || Port(hosts[0]) < 0) return false;
        return named is null || WithPort(named, port).Equals(WithPort(hosts[0], port), StringComparison.OrdinalIgnoreCase);
    }

    private static string WithPort(string authority, int port) => Port(authority) > 0 ? authority : $"{authority}:{port}";

    /// <summary>0 for none, -1 for a bad one.</summary>
    private static int Port(string authority)
    {
        Match match = PortPart().Match(authority);
        if (!match.Success) return 0;
        return match.Groups[1].Value[0] != '0' && int.Parse(match.Groups[1].Value) is > 0 and < 65536 and var port ? port : -1;
    }

    private static string[] Values(List<(string Name, string Value)> fields, string name) =>
        [.. fields.Where(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(f => f.Value)];

    private static string[] Members(List<(string Name, string Value)> fields, string name) =>
        [.. Values(fields, name).SelectMany(v => v.Split(',')).Select(m => m.Trim(' ', '\t').ToLowerInvariant()).Where(m => m.Length > 0)];

    [GeneratedRegex(@"\A([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!""$-~]+) HTTP/1\.([01])\z")]
    private static partial Regex RequestLine();

    [GeneratedRegex(@"\A([!#$%&'*+\-.^_`|~0-9A-Za-z]+):(.*)\z", RegexOptions.Singleline)]
    private static partial Regex FieldLine();

    [GeneratedRegex(@"\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+\z")]
    private static partial Regex Token();

    [GeneratedRegex(@"\A[0-9]+\z")]
    private static partial Regex Digits();

    [GeneratedRegex(@"\A([0-9A-Za-z._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?\z")]
    private static partial Regex Authority();

    [GeneratedRegex(@":([0-9]{1,5})\z")]
    private static partial Regex PortPart();

    [GeneratedRegex(@"\A(https?)://([^/?]*)", RegexOptions.IgnoreCase)]
    private static partial Regex AbsoluteForm();
}
