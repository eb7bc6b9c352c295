using System.CommandLine;
using System.CommandLine.Invocation;
using MarchProxy.Cli.Commands;
using MarchProxy.Cli.Configuration;
using MarchProxy.Model.Intake;

try
{
    SettingSource settings = SettingSource.Load(args);
    RootCommand root = Root.Create(settings);
    foreach (string unknown in settings.Unknown)
    {
        string? near = Suggestion.For(unknown, settings.Known);
        await Console.Error.WriteLineAsync($"{settings.Path}: {unknown} is not a setting{(near is null ? "; see marchproxy up --help" : $"; did you mean {near}?")}");
    }

    if (settings.Unknown.Any()) return ExitCodes.Invalid;

    ParseResult parsed = root.Parse(args);
    if (parsed.Action is ParseErrorAction wrong) wrong.ShowHelp = false;

    // A drain takes as long as its own limit allows; the library would end the process two seconds after the signal.
    return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
}
catch (SettingException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return ExitCodes.Invalid;
}
