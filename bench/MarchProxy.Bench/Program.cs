using MarchProxy.Bench.Http1;

// Micro-measurements of pure code; the side-by-side runs against other proxies are bench/run.
ParserBench.Run();
