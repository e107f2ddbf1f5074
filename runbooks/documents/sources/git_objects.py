"""The objects of a git repository, from git's own ``cat-file``. Pure: imports no Django.

git runs with a fixed command line and in an empty repository of our own that borrows the other's
objects. So nothing of the other repository has an effect except its objects: no configuration,
hook, filter, alias, attribute or replacement. Ids are passed on the standard input, never as an
argument.
"""

import os
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from runbooks.documents.sources.folder import SourceError

# Seconds for all requests to one repository. A local object takes microseconds; a repository that
# takes this long was made to.
PATIENCE = 120.0
MAX_LINE_LENGTH = 1_000
OUR_CONFIGURATION = """[core]
\trepositoryformatversion = 0
\tbare = true
\tcommitGraph = false
"""
CHECK = "--batch-check=%(objectname) %(objecttype) %(objectsize)"
FETCH = "--batch=%(objectname) %(objecttype) %(objectsize)"


@dataclass(frozen=True, slots=True)
class Known:
    """What git knows of an object without its content.

    :ivar kind: blob, tree, commit or tag.
    :ivar size: in bytes.
    """

    id: str
    kind: str
    size: int


class GitObjects:
    """A lookup of objects by id until it is closed. Use it in a ``with`` block."""

    def __init__(self, objects_folder: Path) -> None:
        git = shutil.which("git")
        if git is None:
            raise SourceError("git is not installed. Install it, or name a folder.")
        self._home = Path(tempfile.mkdtemp(prefix="documents-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        # Not every system can limit the time of a read, but a process can be ended on each.
        self._alarm = threading.Timer(PATIENCE, self._end)
        self._alarm.daemon = True
        self._alarm.start()
        try:
            self._prepare()
            self._check = self._start(git, objects_folder, CHECK)
            self._fetch = self._start(git, objects_folder, FETCH)
        except OSError as error:
            self.close()
            raise SourceError(f"git cannot be started: {error.strerror}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End git and remove its temporary repository."""
        self._alarm.cancel()
        self._end()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def known(self, name: str) -> Known | None:
        """Return what git knows of an object without reading it; None if there is none, or several.

        :param name: hexadecimal digits of an object id.
        :raises SourceError: git does not answer.
        """
        return self._ask(self._check, name)[0]

    def content(self, name: str, *, most: int) -> bytes | None:
        """Return the content of an object of at most ``most`` bytes; None if missing or larger.

        :raises SourceError: git does not answer.
        """
        known = self.known(name)
        if known is None or known.size > most:
            return None
        return self._ask(self._fetch, known.id, with_content=True)[1]

    def _end(self) -> None:
        for process in self._processes:
            process.kill()

    def _prepare(self) -> None:
        for folder in ("objects", "refs"):
            (self._home / folder).mkdir()
        (self._home / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        (self._home / "config").write_text(OUR_CONFIGURATION, encoding="ascii")

    def _start(self, git: str, objects_folder: Path, mode: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [git, "--no-pager", "--no-replace-objects", "cat-file", mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._home,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                **({"SYSTEMROOT": os.environ["SYSTEMROOT"]} if "SYSTEMROOT" in os.environ else {}),
                "HOME": str(self._home),
                "GIT_DIR": str(self._home),
                "GIT_OBJECT_DIRECTORY": str(objects_folder),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_ATTR_NOSYSTEM": "1",
                "GIT_NO_LAZY_FETCH": "1",
                "GIT_ALLOW_PROTOCOL": "none",
                "GIT_TERMINAL_PROMPT": "0",
                "LC_ALL": "C",
            },
        )
        self._processes.append(process)
        return process

    @staticmethod
    def _ask(
        process: subprocess.Popen[bytes], name: str, *, with_content: bool = False
    ) -> tuple[Known | None, bytes | None]:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(name.encode("ascii") + b"\n")
            process.stdin.flush()
            known = _answer(process.stdout)
            content = (
                _exactly(process.stdout, known.size + 1)[:-1] if known and with_content else None
            )
        except (OSError, ValueError) as error:  # a pipe that broke, or was closed meanwhile
            raise _silent() from error
        return known, content


def _answer(pipe: IO[bytes]) -> Known | None:
    line = pipe.readline(MAX_LINE_LENGTH)
    if not line.endswith(b"\n"):
        raise _silent()
    words = line.decode("ascii", "replace").split()
    # The other answers are "<id> missing" and "<id> ambiguous".
    if len(words) != 3 or not words[2].isdecimal():  # noqa: PLR2004
        return None
    return Known(words[0], words[1], int(words[2]))


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    content = pipe.read(size)
    if len(content) != size:
        raise _silent()
    return content


def _silent() -> SourceError:
    return SourceError(
        "git does not answer: the repository is damaged or too slow. Check it with 'git fsck'."
    )
