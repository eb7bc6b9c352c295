global using TcpListener = MarchProxy.Net.Tcp.TcpListener;
