using System.Text;
using ArticDbm.Protocols.MySql;

namespace ArticDbm.Proxy.MySql;

/// <content>What servers tell of the session's state: it is what the session wants from then on, on whichever connection.</content>
internal sealed partial class MySqlSession
{
    private void NoteChanges(MySqlServer server, ReadOnlySpan<byte> state)
    {
        var changes = new MySqlStateChanges(state);
        MySqlSettings settings = _settings;
        while (changes.Next())
        {
            if (changes.Kind == MySqlStateChange.Schema) Pin("use");
            if (changes.Kind != MySqlStateChange.SystemVariable) continue;
            string name = Encoding.UTF8.GetString(changes.Name), value = Encoding.UTF8.GetString(changes.Value);
            if (MySqlSettings.IsOfStatement(name)) continue;
            if (MySqlSettings.IsPassing(name))
            {
                Pin("set");
                continue;
            }

            _asksCollation |= name == "character_set_connection";
            settings = settings.With(name, value);
        }

        settings = Db.MySql.Same(settings);
        if (ReferenceEquals(settings, _settings) && !_asksCollation) return;
        _settings = server.Settings = settings;
        _changed = true;
    }

    /// <summary>The answer is over: what has changed holds for what is read next.</summary>
    /// <returns>False when the session cannot go on.</returns>
    private async ValueTask<bool> TakeChangesAsync(MySqlServer server)
    {
        if (_asksCollation)
        {
            // SET NAMES changes the collation too, and servers do not tell of that.
            _asksCollation = false;
            (string? fault, List<string?[]> rows) = await new MySqlConversation(server, AskDeadline).AskAsync("SELECT @@collation_connection");
            if (fault is null && rows is [[{ } collation], ..]) _settings = server.Settings = Db.MySql.Same(_settings.With("collation_connection", collation));
            else Unlink(reusable: false);
        }

        NoteQuoting();
        if (!MySqlCharsets.IsUnsafe(_settings["character_set_client"] ?? "")) return true;

        // It came by a way that could not be read ahead: nothing of this session can be read any more.
        Client.Close();
        return false;
    }
}
