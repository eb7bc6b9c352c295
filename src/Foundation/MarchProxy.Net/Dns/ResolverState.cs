namespace MarchProxy.Net.Dns;

/// <summary>All that a change of a file replaces at once; names resolved before the change are forgotten with it.</summary>
internal sealed record ResolverState(ResolvConf Conf, HostsFile Hosts, ServerList Servers, NameCache Cache);
