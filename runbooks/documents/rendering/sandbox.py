"""Rendering in a separate process, within limits of time and memory.

No text can stop a web worker or an import. One process renders many texts, one after the other. It
starts with the first text, ends after some idle time, and is replaced after it exceeded a limit. A
forked worker starts its own.
"""

import atexit
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from runbooks.documents.rendering.protocol import read_message, write_message
from runbooks.documents.rendering.rendered import Rendered, as_it_stands

CHILD = Path(__file__).with_name("worker.py")
# Real documents take 0.05 seconds, on a busy machine a few times that. A short text is rendered
# while somebody waits.
SECONDS = {"document": 10.0, "fragment": 3.0}
START_SECONDS = 30.0
MEGABYTES = 768
IDLE_SECONDS = 30
# What Python needs to start. The portal's own environment contains secrets and is not passed on.
ENVIRONMENT = ("PATH", "SYSTEMROOT", "TMP", "TEMP", "LD_LIBRARY_PATH", "PYTHONHOME")


class RenderingProcess:
    """A process that renders one text at a time. Safe to use from several threads."""

    def __init__(
        self,
        *,
        seconds: dict[str, float] | None = None,
        megabytes: int = MEGABYTES,
        idle: float = IDLE_SECONDS,
    ) -> None:
        """Set the limits.

        :param seconds: seconds of wall-clock time by kind of text.
        :param megabytes: megabytes of memory, where the platform has such a limit.
        :param idle: seconds without a text after which the process ends.
        """
        self._seconds, self._megabytes, self._idle = seconds or SECONDS, megabytes, idle
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closing: threading.Timer | None = None

    def render(self, *, kind: str, text: str, path: str = "") -> Rendered:
        """Render a text, or return it as plain text with the reason in ``trouble``.

        No text makes it raise an error.

        :param kind: ``document`` or ``fragment``.
        """
        request = {
            "kind": kind,
            "text": text.encode("utf-8", "replace").decode("utf-8"),
            "path": path,
        }
        with self._lock:
            if self._closing:
                self._closing.cancel()
            answer, trouble = self._asked(request)
            self._closing = threading.Timer(self._idle, self.close)
            self._closing.daemon = True
            self._closing.start()
        if answer is None:
            return as_it_stands(text, trouble=trouble)
        return Rendered(**answer)

    def close(self) -> None:
        """End the process; the next text starts another."""
        with self._lock:
            self._end()

    def _asked(self, request: dict[str, str]) -> tuple[dict[str, Any] | None, str]:
        seconds = self._seconds[request["kind"]]
        try:
            process = self._running()
        except OSError as error:  # no more processes, or no such interpreter
            return None, f"The renderer cannot be started: {error.strerror}."
        answer = None
        # The process may end within a message.
        with _killed_after(process, seconds), contextlib.suppress(OSError, ValueError):
            write_message(cast(BinaryIO, process.stdin), request)
            answer = read_message(cast(BinaryIO, process.stdout))
        if answer is None:
            self._end()
        return (
            answer,
            f"Rendering it would take more than {seconds:g} seconds or {self._megabytes} MB.",
        )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    str(CHILD),
                    str(int(max(self._seconds.values())) + 1),
                    str(self._megabytes),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            )
            # A busy machine may start it slowly, which does not count against the text.
            with (
                _killed_after(self._process, START_SECONDS),
                contextlib.suppress(OSError, ValueError),
            ):
                read_message(cast(BinaryIO, self._process.stdout))
        return self._process

    def _end(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                cast(BinaryIO, stream).close()
        process.wait()


@contextlib.contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    clock = threading.Timer(seconds, process.kill)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


_shared = RenderingProcess()


def _start_over() -> None:
    """Start anew in a forked process: it must not use the parent's child process or its lock.

    The lock may be held for ever.
    """
    global _shared  # noqa: PLW0603 - one for each process
    _shared = RenderingProcess()


def _stop() -> None:
    _shared.close()


atexit.register(_stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_over)


def render_document(text: str, *, document_path: str) -> Rendered:
    """Render a whole document with ``render.render_document`` in the sandbox.

    A text that exceeds the limits is returned as plain text, with the reason in ``trouble``.
    """
    return _shared.render(kind="document", text=text, path=document_path)


def render_fragment(text: str) -> str:
    """Render a short text with ``render.render_fragment`` in the sandbox.

    A text that exceeds the limits is returned as plain text.
    """
    return _shared.render(kind="fragment", text=text).html if text else ""
