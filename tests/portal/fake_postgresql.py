"""A server that speaks part of PostgreSQL's protocol, and then sends nothing more."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


READY = (
    _message(b"R", struct.pack("!I", 0))
    + _message(b"S", b"server_version\x0016.0\x00")
    + _message(b"S", b"client_encoding\x00UTF8\x00")
    + _message(b"S", b"TimeZone\x00UTC\x00")
    + _message(b"K", struct.pack("!II", 1, 1))
    + _message(b"Z", b"I")
)


@contextmanager
def silent_server(*, lets_in: bool) -> Iterator[int]:
    """The port of a server that accepts and says nothing: at once, or once a client was let in."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            kept.append(client)
            if lets_in:
                threading.Thread(target=_let_in, args=(client,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        for client in kept:
            client.close()


def _let_in(client: socket.socket) -> None:
    while True:
        length = struct.unpack("!I", client.recv(4, socket.MSG_WAITALL))[0]
        body = client.recv(length - 4, socket.MSG_WAITALL)
        if struct.unpack("!I", body[:4])[0] not in (SSL_REQUEST, GSS_REQUEST):
            break
        client.sendall(b"N")
    client.sendall(READY)
