"""The foreign side of the tests: Debian's grpcio as a server, or as a client of ours. Messages are written and read by hand, field by field,
so that no generated code is needed: text = 1 (string), number = 2 (varint), blob = 3 (bytes)."""
import sys, time, threading
from concurrent import futures
import grpc

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128]); n >>= 7
    return out + bytes([n])

def encode(m):
    text, number, blob = m
    out = b""
    if text: t = text.encode(); out += b"\x0a" + varint(len(t)) + t
    if number: out += b"\x10" + varint(number)
    if blob: out += b"\x1a" + varint(len(blob)) + blob
    return out

def decode(b):
    text, number, blob, i = "", 0, b"", 0
    def read():
        nonlocal i
        n = shift = 0
        while True:
            c = b[i]; i += 1
            n |= (c & 127) << shift; shift += 7
            if c < 128: return n
    while i < len(b):
        key = read()
        if key == 0x10: number = read()
        else:
            n = read(); part = b[i:i + n]; i += n
            if key == 0x0a: text = part.decode()
            else: blob = part
    return (text, number, blob)

class Handlers(grpc.GenericRpcHandler):
    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        kind = {"Unary": grpc.unary_unary_rpc_method_handler, "Many": grpc.unary_stream_rpc_method_handler,
                "Sum": grpc.stream_unary_rpc_method_handler, "Chat": grpc.stream_stream_rpc_method_handler}.get(name)
        return kind(getattr(self, name), decode, encode) if kind and details.method.startswith("/echo.Echo/") else None
    def Unary(self, m, c):
        if m[0] == "fail":
            c.set_trailing_metadata((("why", "because"),)); c.abort(grpc.StatusCode.FAILED_PRECONDITION, "nicht möglich: 100%")
        if m[0] == "slow":
            while c.is_active(): time.sleep(0.02)
        if m[0] == "gzip": c.set_compression(grpc.Compression.Gzip)
        meta = dict(c.invocation_metadata())
        return (m[0] + meta.get("suffix", ""), m[1] + len(meta.get("raw-bin", b"")), m[2])
    def Many(self, m, c):
        for i in range(m[1]): yield (m[0], i, m[2])
    def Sum(self, ms, c):
        n = 0
        for m in ms: n += m[1]
        return ("sum", n, b"")
    def Chat(self, ms, c):
        for m in ms: yield ("re: " + m[0], m[1], b"")

def serve():
    server = grpc.server(futures.ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", 64 << 20)])
    server.add_generic_rpc_handlers((Handlers(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start(); sys.stdin.read(); server.stop(0)

def check(what, ok):
    print(("ok " if ok else "WRONG ") + what, flush=True)

def call(port):
    channel = grpc.insecure_channel("127.0.0.1:%s" % port, options=[("grpc.max_receive_message_length", 64 << 20)])
    unary = channel.unary_unary("/echo.Echo/Unary", encode, decode)
    check("unary", unary(("hi", 5, b"x")) == ("hi", 5, b"x"))
    check("metadata", unary(("hi", 5, b""), metadata=(("suffix", "!"), ("raw-bin", b"\x00\xff\x01"))) == ("hi!", 8, b""))
    big = bytes(3 << 20)
    check("big", unary(("big", 1, big))[2] == big)
    check("gzip", unary(("gzip " * 200, 1, b""), compression=grpc.Compression.Gzip)[0] == "gzip " * 200)
    try: unary(("fail", 0, b"")); check("fail", False)
    except grpc.RpcError as e: check("fail", e.code() == grpc.StatusCode.FAILED_PRECONDITION and e.details() == "nicht möglich: 100%" and dict(e.trailing_metadata())["why"] == "because")
    try: unary(("defect", 0, b"")); check("defect", False)
    except grpc.RpcError as e: check("defect", e.code() == grpc.StatusCode.UNKNOWN and "secret" not in e.details())
    try: unary(("slow", 0, b""), timeout=0.3); check("deadline", False)
    except grpc.RpcError as e: check("deadline", e.code() == grpc.StatusCode.DEADLINE_EXCEEDED)
    try: unary(("big", 1, bytes(5 << 20))); check("limit", False)
    except grpc.RpcError as e: check("limit", e.code() == grpc.StatusCode.RESOURCE_EXHAUSTED)
    try: channel.unary_unary("/echo.Echo/None", encode, decode)(("x", 0, b"")); check("unknown", False)
    except grpc.RpcError as e: check("unknown", e.code() == grpc.StatusCode.UNIMPLEMENTED)
    check("server stream", [m[1] for m in channel.unary_stream("/echo.Echo/Many", encode, decode)(("x", 1000, b"y" * 100))] == list(range(1000)))
    check("client stream", channel.stream_unary("/echo.Echo/Sum", encode, decode)(iter([("", i, b"") for i in range(1000)]))[1] == 499500)
    go = threading.Semaphore(1); sent = []
    def messages():
        for i in range(50):
            go.acquire(); sent.append(i); yield ("m%d" % i, i, b"")
    back = []
    for m in channel.stream_stream("/echo.Echo/Chat", encode, decode)(messages()):
        back.append(m[0]); go.release()
    check("duplex", back == ["re: m%d" % i for i in range(50)])
    future = unary.future(("slow", 0, b"")); time.sleep(0.2); future.cancel()
    deadline = time.time() + 10
    while time.time() < deadline and unary(("cancelled?", 0, b""))[1] == 0: time.sleep(0.05)
    check("cancel", unary(("cancelled?", 0, b""))[1] > 0)

serve() if sys.argv[1] == "serve" else call(sys.argv[2])
