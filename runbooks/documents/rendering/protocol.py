"""Messages between the portal and the rendering process. Pure.

A message is JSON, preceded by its length in four bytes.
"""

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")


def read_message(stream: BinaryIO) -> Any:
    """Return the next message; None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return json.loads(body) if len(body) == length else None


def write_message(stream: BinaryIO, message: Any) -> None:
    """Send one message.

    :raises OSError: the reader has closed the stream.
    """
    body = json.dumps(message).encode("ascii")
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()
