-- Prints what wrk measured on one line; wrk calls done() once, after the load.
done = function(summary, latency)
    local e = summary.errors
    io.write(string.format("RESULT %d %d %d %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
        e.connect + e.timeout, e.read, e.write, e.status, latency:percentile(50), latency:percentile(99)))
end
