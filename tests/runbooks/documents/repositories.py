"""Small git repositories for tests, honest and hostile ones."""

import os
import subprocess
import zlib
from hashlib import sha1
from pathlib import Path

DAY = "2026-01-{:02} 12:00:00 +0100"


class Repository:
    """A repository with a working tree, one commit a day."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.day = 0
        root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        """Run git as a person would, whatever stands in the configuration of this machine."""
        when = DAY.format(max(self.day, 1))
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
        }
        named = ("-c", "user.name=Pia", "-c", "user.email=pia@example.org")
        done = subprocess.run(
            ["git", *named, *arguments],
            cwd=self.root,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, path: str, content: str | bytes) -> None:
        """Put a file into the working tree."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, **files: str | bytes) -> str:
        """Write files (``docs__pump`` is ``docs/pump.md``) and commit; return the commit's id."""
        for name, content in files.items():
            self.write(name.replace("__", "/") + ".md", content)
        self.day += 1
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"Day {self.day}")
        return self.git("rev-parse", "HEAD")

    def bare(self) -> Path:
        """A bare copy beside it."""
        place = self.root.with_suffix(".git")
        self.git("clone", "-q", "--bare", str(self.root), str(place))
        return place

    def put_object(self, kind: str, content: bytes) -> str:
        """Write an object that git itself would refuse to make."""
        raw = f"{kind} {len(content)}".encode() + b"\x00" + content
        name = sha1(raw, usedforsecurity=False).hexdigest()
        place = self.root / ".git" / "objects" / name[:2] / name[2:]
        place.parent.mkdir(exist_ok=True)
        if not place.exists():
            place.write_bytes(zlib.compress(raw))
        return name

    def commit_tree(self, tree: str) -> str:
        """Point ``main`` at a commit of a hand-made tree."""
        text = (
            f"tree {tree}\nauthor P <p@example.org> 1767225600 +0000\ncommitter P "
            "<p@example.org> 1767225600 +0000\n\nx\n"
        )
        commit = self.put_object("commit", text.encode())
        (self.root / ".git" / "refs" / "heads" / "main").write_text(f"{commit}\n")
        return commit


def tree_of(*entries: tuple[str, str, str]) -> bytes:
    """The content of a tree: mode, name and object id of each entry."""
    return b"".join(
        f"{mode} {name}".encode() + b"\x00" + bytes.fromhex(ident) for mode, name, ident in entries
    )
