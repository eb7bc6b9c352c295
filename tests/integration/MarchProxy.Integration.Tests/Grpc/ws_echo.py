"""A WebSocket's handshake at both ends: a server of HTTP/1.1, and a client of HTTP/2 (RFC 8441) on the h2 library."""
import base64
import hashlib
import socket
import sys
import threading

import h2.config
import h2.connection
import h2.events
import h2.settings


def talk(peer):
    head = b""
    while b"\r\n\r\n" not in head:
        head += peer.recv(4096)
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
    fields = {name.lower(): value for name, value in fields.items()}
    proof = hashlib.sha1(fields["sec-websocket-key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + base64.b64encode(proof) + b"\r\n\r\n")
    while data := peer.recv(4096):
        peer.sendall(data)
    peer.close()


def serve(port):
    listener = socket.create_server(("127.0.0.1", int(port)))
    print("serving", flush=True)
    while True:
        threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()


def call(address):
    host, port = address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)), timeout=20)
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    client.initiate_connection()
    peer.sendall(client.data_to_send())
    stream, told, got, ended = None, None, b"", False
    while not ended:
        for event in client.receive_data(peer.recv(65536)):
            if isinstance(event, h2.events.RemoteSettingsChanged) and stream is None:
                assert event.changed_settings[h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL].new_value == 1
                stream = client.get_next_available_stream_id()
                client.send_headers(stream, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/socket"), (":authority", "a.test"), ("sec-websocket-version", "13")])
            elif isinstance(event, h2.events.ResponseReceived):
                told = dict(event.headers)[":status"]
                client.send_data(stream, b"to and ")
            elif isinstance(event, h2.events.DataReceived):
                got += event.data
                if got == b"to and ":
                    client.send_data(stream, b"fro", end_stream=True)
            elif isinstance(event, h2.events.StreamEnded):
                ended = True
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise SystemExit(f"ended by {event}")
        peer.sendall(client.data_to_send())
    assert (told, got) == ("200", b"to and fro"), (told, got)
    print("both ways")


{"serve": serve, "call": call}[sys.argv[1]](sys.argv[2])
