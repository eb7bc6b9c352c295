using System.Text;

namespace ArticDbm.Proxy.Postgres;

/// <summary>The settings that a session wants on whichever server connection it is lent, and one text for all of them, by which a connection knows that it has them already.</summary>
internal sealed class WantedSettings
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private string? _key;

    public int Count => _values.Count;

    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>The same for two sessions that want the same.</summary>
    public string Key => _key ??= MakeKey();

    public void Set(string name, string value)
    {
        if (_values.TryGetValue(name, out string? now) && now == value) return;
        _values[name] = value;
        _key = null;
    }

    public void Remove(string name)
    {
        if (_values.Remove(name)) _key = null;
    }

    public string? Find(string name) => _values.GetValueOrDefault(name);

    /// <summary>Wants what another set says, and nothing else.</summary>
    public void Become(IReadOnlyDictionary<string, string> values)
    {
        _values.Clear();
        foreach ((string name, string value) in values) _values[name] = value;
        _key = null;
    }

    private string MakeKey()
    {
        var text = new StringBuilder();
        foreach ((string name, string value) in _values.OrderBy(v => v.Key, StringComparer.Ordinal)) text.Append(name).Append('\0').Append(value).Append('\0');
        return text.ToString();
    }
}
