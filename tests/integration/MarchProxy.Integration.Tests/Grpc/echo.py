"""A gRPC server and its client, of gRPC's own implementation: echo.py serve PORT | echo.py call HOST:PORT. Messages are plain bytes."""
import queue
import sys
from concurrent import futures

import grpc

IDENTITY = lambda b: b


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        def handler(maker, function):
            return maker(function, request_deserializer=IDENTITY, response_serializer=IDENTITY)

        def unary(request, context):
            context.set_trailing_metadata((("x-trailer", "t"), ("x-bytes-bin", b"\x00\xff")))
            return request

        def fail(request, context):
            context.set_trailing_metadata((("x-why", "because"),))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not now: ü")

        def many(request, context):
            for i in range(1000):
                yield request + str(i).encode()

        def collect(requests, context):
            return b"".join(requests)

        def both(requests, context):
            for request in requests:
                yield b"re:" + request

        def health(request, context):
            return b"\x08\x01"

        return {
            "/echo.Echo/Unary": handler(grpc.unary_unary_rpc_method_handler, unary),
            "/echo.Echo/Fail": handler(grpc.unary_unary_rpc_method_handler, fail),
            "/echo.Echo/Many": handler(grpc.unary_stream_rpc_method_handler, many),
            "/echo.Echo/Collect": handler(grpc.stream_unary_rpc_method_handler, collect),
            "/echo.Echo/Both": handler(grpc.stream_stream_rpc_method_handler, both),
            "/grpc.health.v1.Health/Check": handler(grpc.unary_unary_rpc_method_handler, health),
        }.get(details.method)


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Echo(),))
    server.add_insecure_port("127.0.0.1:" + port)
    server.start()
    print("serving", flush=True)
    server.wait_for_termination()


def call(target):
    with grpc.insecure_channel(target) as channel:
        response, done = channel.unary_unary("/echo.Echo/Unary").with_call(b"x" * 100000, timeout=20)
        assert response == b"x" * 100000
        trailers = dict(done.trailing_metadata())
        assert trailers["x-trailer"] == "t" and trailers["x-bytes-bin"] == b"\x00\xff", trailers
        try:
            channel.unary_unary("/echo.Echo/Fail")(b"", timeout=20)
            raise AssertionError("no failure")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION and error.details() == "not now: ü", error
            assert dict(error.trailing_metadata())["x-why"] == "because"
        try:
            channel.unary_unary("/echo.Echo/None")(b"", timeout=20)
            raise AssertionError("no failure")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
        assert len(list(channel.unary_stream("/echo.Echo/Many")(b"m", timeout=20))) == 1000
        assert channel.stream_unary("/echo.Echo/Collect")(iter([b"a"] * 500), timeout=20) == b"a" * 500

        # Full duplex: each request waits for the answer to the one before.
        sending = queue.Queue()
        answers = channel.stream_stream("/echo.Echo/Both")(iter(sending.get, None), timeout=20)
        for i in range(50):
            sending.put(b"%d" % i)
            assert next(answers) == b"re:%d" % i
        sending.put(None)
        assert list(answers) == []
    print("all kinds pass")


{"serve": serve, "call": call}[sys.argv[1]](sys.argv[2])
