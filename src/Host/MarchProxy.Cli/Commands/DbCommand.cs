using System.CommandLine;
using MarchProxy.Cli.Configuration;
using MarchProxy.Control.Storage;

namespace MarchProxy.Cli.Commands;

/// <summary><c>marchproxy db</c>: what ArticDBM serves, and the manager's own database by itself.</summary>
internal static class DbCommand
{
    public static Command Create(SettingSource settings)
    {
        var db = new Command("db", "Databases: who is let in, what runs, pause and kill; and the manager's own: migrations, backups.");
        var file = new Argument<string>("file") { Description = "The backup; - for standard input or output." };
        db.Subcommands.Add(Make("migrate", "Bring the schema up to date.", settings, null, async (store, _) =>
        {
            IReadOnlyList<string> done = await store.MigrateAsync();
            Console.WriteLine(done.Count == 0 ? $"{store.Description} is up to date." : $"{store.Description}: applied {string.Join(", ", done)}.");
        }));
        db.Subcommands.Add(Make("backup", "Write everything to a file that fits either database; secrets in it stay sealed under manager.key.", settings, file, async (store, path) =>
        {
            if (path == "-")
            {
                await using Stream output = Console.OpenStandardOutput();
                await store.ExportAsync(output);
                return;
            }

            await using (FileStream output = new(path + ".new", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite })) await store.ExportAsync(output);
            File.Move(path + ".new", path, overwrite: true);
            Console.WriteLine($"{store.Description} was written to {path}. Keep manager.key with it.");
        }));
        db.Subcommands.Add(Make("restore", "Read a backup into an empty database.", settings, file, async (store, path) =>
        {
            await store.MigrateAsync();
            await using Stream input = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
            await store.ImportAsync(input);
            Console.WriteLine($"{store.Description} was restored.");
        }));
        foreach (Command command in DbAccessCommands.Create().Concat(DbPlaneCommands.Create(settings))) db.Subcommands.Add(command);
        return db;
    }

    private static Command Make(string name, string description, SettingSource settings, Argument<string>? file, Func<IControlStore, string, Task> run)
    {
        var options = new ManagerSettings(settings);
        var command = new Command(name, description);
        if (file is not null) command.Arguments.Add(file);
        options.AddStoreTo(command);
        command.SetAction(async result =>
        {
            try
            {
                await using IControlStore store = ControlStores.Open(options.Store(result));
                await run(store, file is null ? "" : result.GetValue(file)!);
                return ExitCodes.Ok;
            }
            catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return ExitCodes.Failed;
            }
        });
        return command;
    }
}
