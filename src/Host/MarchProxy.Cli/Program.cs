using System.CommandLine;
using MarchProxy.Cli.Commands;

// A drain takes as long as its own limit allows; the library would end the process two seconds after the signal.
return await Root.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
