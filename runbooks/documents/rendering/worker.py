"""The process that renders. It imports no Django, knows no secret and may be killed at any time.

``sandbox`` runs it as a script. It reads requests from standard input and answers each on standard
output until the input ends.
"""

import contextlib
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # started by its path: the packages are four levels up
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from runbooks.documents.rendering.protocol import read_message, write_message
from runbooks.documents.rendering.render import render_document, render_fragment
from runbooks.documents.rendering.rendered import Rendered

try:
    import resource
except ImportError:  # not on every platform: the caller's time limit remains
    resource = None  # type: ignore[assignment]


def answer(request: dict[str, str]) -> dict[str, Any]:
    """Return the answer to one request: ``html``, ``contents`` and ``trouble``."""
    if request["kind"] == "fragment":
        rendered = Rendered(html=render_fragment(request["text"]), contents=[])
    else:
        rendered = render_document(request["text"], document_path=request["path"])
    return {"html": rendered.html, "contents": rendered.contents, "trouble": rendered.trouble}


def _limit_memory(megabytes: int) -> None:
    if resource is not None:
        limit = megabytes * 1024 * 1024
        with contextlib.suppress(ValueError, OSError):  # macOS has the limit but refuses to set it
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _limit_time(seconds: int) -> None:
    """Limit the CPU time from now on, in seconds.

    The caller's timer is the first limit; this one also holds after the caller has ended.
    """
    if resource is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(
            resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard)
        )


def main(seconds: int, megabytes: int) -> None:
    """Report that the process is ready, then answer until the input ends."""
    _limit_memory(megabytes)
    write_message(sys.stdout.buffer, "ready")
    while (request := read_message(sys.stdin.buffer)) is not None:
        _limit_time(seconds)
        write_message(sys.stdout.buffer, answer(request))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
