using MarchProxy.Cli.Commands;

return await Root.Create().Parse(args).InvokeAsync();
