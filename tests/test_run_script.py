"""The promises of `run.py`: clear errors, installing only if necessary, a separate demo database.

Each test loads a copy of run.py in a folder of its own. Nothing is installed: `Installers` plays
venv, pip and uv.
"""

import ast
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "run.py"


@pytest.fixture
def run(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """run.py as a module, in a folder with two lock files, with no uv on PATH."""
    folder = tmp_path / "a checkout with spaces and ü"
    (folder / "requirements").mkdir(parents=True)
    for name in ("runtime.txt", "dev.txt"):
        (folder / "requirements" / name).write_text("first\n", encoding="utf-8")
    shutil.copy(SCRIPT, folder)
    specification = importlib.util.spec_from_file_location(
        "run_script_under_test", folder / "run.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module.shutil, "which", lambda program: None)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # The demo's settings are for the children of this process, which goes on with other tests.
    monkeypatch.setattr(os, "environ", os.environ.copy())
    yield module
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Installers:
    """Plays venv, pip and uv: records the calls and creates the files that run.py looks for."""

    def __init__(self, run: ModuleType) -> None:
        self.run = run
        self.asked: list[str] = []
        self.failing: set[str] = set()
        self.interrupted = False

    def __call__(self, *command: Any) -> int:
        words = [str(word) for word in command]
        name = self.name_of(words)
        self.asked.append(name)
        if self.interrupted:
            raise KeyboardInterrupt
        if name in self.failing:
            return 1
        if name.endswith("venv"):
            self.run.BIN.mkdir(parents=True)
            self.run.PYTHON.touch()
        if name == "venv":
            self.run.PIP.touch()
        return 0

    def name_of(self, words: list[str]) -> str:
        if words[0] == "/somewhere/uv":
            return f"uv {words[1]}"
        return "venv" if words[1:3] == ["-m", "venv"] else f"pip {pathlib.Path(words[-1]).name}"

    def asked_since_last_time(self) -> list[str]:
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def installers(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Installers:
    played = Installers(run)
    monkeypatch.setattr(run, "call", played)
    return played


class Children:
    """Plays subprocess.Popen: records words and environment, and ends with the chosen exit code."""

    def __init__(self) -> None:
        self.words: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.code = 0

    def __call__(self, words: list[str], **options: object) -> "Children":
        self.words.append(words)
        self.environments.append(dict(os.environ))
        return self

    def wait(self, timeout: float | None = None) -> int:
        if "runserver" in self.words[-1] and timeout is None:
            raise KeyboardInterrupt
        return self.code

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        """The played child has ended already."""

    kill = terminate


@pytest.fixture
def children(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Children:
    """Every child is played, and .venv is up to date."""
    played = Children()
    monkeypatch.setattr(run.subprocess, "Popen", played)
    monkeypatch.setattr(run, "lock_lines", lambda lock: set())
    monkeypatch.setattr(run, "wait_until_it_answers", lambda child, port: None)
    return played


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(run: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["run.py", *map(str, words)])
    return int(run.main())


class TestOldPython:
    def test_the_file_parses_there(self) -> None:
        ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))

    def test_it_gets_a_sentence_and_exit_code_1(self) -> None:
        pretend = (
            f"import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path({str(SCRIPT)!r})"
        )
        ended = subprocess.run(
            [sys.executable, "-c", pretend], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 1
        assert ended.stderr.startswith("The portal needs Python 3.11 or newer; this is Python 3.9.")

    @pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 1), (4, 0, 0)])
    def test_a_newer_one_gets_none(self, version: tuple[int, ...]) -> None:
        pretend = (
            f"import runpy, sys; sys.version_info = {version}; runpy.run_path({str(SCRIPT)!r})"
        )
        assert subprocess.run([sys.executable, "-c", pretend], check=False).returncode == 0


class TestPort:
    def test_a_taken_port_is_found_before_any_work(
        self,
        run: ModuleType,
        installers: Installers,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            assert start(run, monkeypatch, "demo", "--port", port) == 1
        told = capsys.readouterr().err
        assert f"Port {port}" in told
        assert "--port" in told
        assert installers.asked == []

    @pytest.mark.parametrize("port", [0, -1, 70000])
    def test_a_number_that_is_no_port_gets_the_sentence_too(
        self, run: ModuleType, port: int
    ) -> None:
        with pytest.raises(run.StartError, match=f"Port {port} "):
            run.require_free_port(port)

    def test_a_free_port_passes(self, run: ModuleType, free_port: int) -> None:
        run.require_free_port(free_port)


class TestInstalling:
    def test_the_first_time_makes_venv_and_installs_the_runtime_lock(
        self, run: ModuleType, installers: Installers
    ) -> None:
        run.setup()
        assert installers.asked == ["venv", "pip runtime.txt"]

    def test_an_unchanged_lock_installs_nothing(
        self, run: ModuleType, installers: Installers
    ) -> None:
        run.setup()
        installers.asked_since_last_time()
        run.setup()
        assert installers.asked == []

    def test_a_changed_lock_is_installed_into_the_same_venv(
        self, run: ModuleType, installers: Installers
    ) -> None:
        run.setup()
        installers.asked_since_last_time()
        (run.ROOT / "requirements/runtime.txt").write_text("second\n", encoding="utf-8")
        run.setup()
        assert installers.asked == ["pip runtime.txt"]

    def test_the_development_lock_covers_the_runtime_lock(
        self, run: ModuleType, installers: Installers
    ) -> None:
        run.setup("dev")
        installers.asked_since_last_time()
        run.setup("runtime")
        assert installers.asked == []

    def test_a_changed_runtime_lock_outdates_the_development_one(
        self, run: ModuleType, installers: Installers
    ) -> None:
        run.setup("dev")
        installers.asked_since_last_time()
        (run.ROOT / "requirements/runtime.txt").write_text("second\n", encoding="utf-8")
        run.setup("dev")
        assert installers.asked == ["pip dev.txt"]

    def test_a_venv_whose_making_was_interrupted_is_rebuilt(
        self, run: ModuleType, installers: Installers
    ) -> None:
        run.setup()
        (run.ROOT / "requirements/runtime.txt").write_text("second\n", encoding="utf-8")
        installers.interrupted = True
        with pytest.raises(KeyboardInterrupt):
            run.setup()
        installers.interrupted = False
        installers.asked_since_last_time()
        run.setup()
        assert installers.asked == ["venv", "pip runtime.txt"]

    def test_a_venv_without_a_stamp_is_rebuilt(
        self, run: ModuleType, installers: Installers
    ) -> None:
        (run.VENV / "half").mkdir(parents=True)
        run.setup()
        assert installers.asked == ["venv", "pip runtime.txt"]
        assert not (run.VENV / "half").exists()

    def test_a_venv_whose_python_is_gone_is_rebuilt(
        self, run: ModuleType, installers: Installers
    ) -> None:
        run.setup()
        installers.asked_since_last_time()
        run.PYTHON.unlink()
        run.setup()
        assert installers.asked == ["venv", "pip runtime.txt"]

    def test_a_venv_made_elsewhere_or_by_another_python_is_rebuilt(
        self, run: ModuleType, installers: Installers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run.setup()
        installers.asked_since_last_time()
        monkeypatch.setattr(run, "environment_line", lambda: "cpython-399 linux-x86_64 /elsewhere")
        run.setup()
        assert installers.asked == ["venv", "pip runtime.txt"]

    def test_a_missing_lock_is_named(self, run: ModuleType, installers: Installers) -> None:
        (run.ROOT / "requirements/runtime.txt").unlink()
        with pytest.raises(run.StartError, match=r"not complete.*runtime\.txt"):
            run.setup()

    def test_pip_failing_shows_its_output_and_leaves_no_stamp(
        self,
        run: ModuleType,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        """Python itself plays pip: it fails, and says why."""
        run.STAMP.parent.mkdir()
        run.PIP.parent.mkdir()
        run.PIP.touch()
        run.PYTHON.symlink_to(sys.executable)
        run.STAMP.write_text(run.environment_line(), encoding="ascii")
        monkeypatch.setattr(run, "PIP_OPTIONS", ["--no-such-option"])
        assert start(run, monkeypatch, "setup") == 1
        told = capfd.readouterr()
        assert "no-such-option" in told.out + told.err
        assert "start again" in told.err
        assert not run.STAMP.exists()

    def test_a_venv_that_cannot_be_made_is_told_and_leaves_no_stamp(
        self,
        run: ModuleType,
        installers: Installers,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        installers.failing = {"venv"}
        assert start(run, monkeypatch, "setup") == 1
        assert "start again" in capsys.readouterr().err
        assert not run.STAMP.exists()
        assert installers.asked == ["venv"]

    def test_a_python_without_ensurepip_names_the_package_and_leaves_no_venv(
        self,
        run: ModuleType,
        installers: Installers,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(
            run.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else name
        )
        assert start(run, monkeypatch, "setup") == 1
        assert f"sudo apt install python3.{sys.version_info.minor}-venv" in capsys.readouterr().err
        assert not run.VENV.exists()
        assert installers.asked == []

    def test_a_second_start_waits_for_the_first(self, run: ModuleType) -> None:
        with run.only_one_installer(), (run.ROOT / ".venv.lock").open("a+b") as second:
            assert not run.try_to_lock(second)
        with (run.ROOT / ".venv.lock").open("a+b") as third:
            assert run.try_to_lock(third)


class TestUv:
    @pytest.fixture(autouse=True)
    def uv_is_there(self, run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run.shutil, "which", lambda program: "/somewhere/uv")

    def test_it_is_used_when_it_is_there(self, run: ModuleType, installers: Installers) -> None:
        run.setup()
        assert installers.asked == ["uv venv", "uv pip"]

    @pytest.mark.parametrize("failing", ["uv venv", "uv pip"])
    def test_when_it_fails_pip_does_the_work_and_that_is_said(
        self,
        run: ModuleType,
        installers: Installers,
        capsys: pytest.CaptureFixture[str],
        failing: str,
    ) -> None:
        installers.failing = {failing}
        run.setup()
        assert installers.asked[-2:] == ["venv", "pip runtime.txt"]
        assert "trying again with pip" in capsys.readouterr().out
        assert run.lock_lines("runtime") <= run.stamped_lines()

    def test_a_venv_that_it_made_without_pip_is_rebuilt_when_it_is_gone(
        self, run: ModuleType, installers: Installers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run.setup()
        installers.asked_since_last_time()
        monkeypatch.setattr(run.shutil, "which", lambda program: None)
        run.setup()
        assert installers.asked_since_last_time() == []
        (run.ROOT / "requirements/runtime.txt").write_text("second\n", encoding="utf-8")
        run.setup()
        assert installers.asked == ["venv", "pip runtime.txt"]


class TestDemo:
    def test_it_drops_database_url_says_so_and_sets_its_own_environment(
        self,
        run: ModuleType,
        children: Children,
        free_port: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://production")
        monkeypatch.setenv("PORTAL_READ", "login")
        monkeypatch.setenv("DEBUG", "1")
        assert start(run, monkeypatch, "demo", "--port", free_port) == 0
        assert len(children.environments) == 3
        for environment in children.environments:
            assert "DATABASE_URL" not in environment
            assert (
                environment["PORTAL_DEMO"],
                environment["PORTAL_READ"],
                environment["DEBUG"],
            ) == (
                "1",
                "public",
                "0",
            )
        told = capsys.readouterr().out
        assert "DATABASE_URL is set" in told
        assert "production" not in told

    def test_it_migrates_seeds_serves_and_says_where(
        self,
        run: ModuleType,
        children: Children,
        free_port: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        start(run, monkeypatch, "demo", "--port", free_port)
        assert [words[2] for words in children.words] == ["migrate", "seed_demo", "runserver"]
        assert children.words[2][3:] == [f"127.0.0.1:{free_port}", "--noreload"]
        assert f"http://127.0.0.1:{free_port}/" in capsys.readouterr().out

    def test_it_stops_at_a_failing_step(
        self,
        run: ModuleType,
        children: Children,
        free_port: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        children.code = 1
        assert start(run, monkeypatch, "demo", "--port", free_port) == 1
        assert len(children.words) == 1
        assert "manage.py migrate failed" in capsys.readouterr().err

    def test_reset_removes_the_database_and_nothing_else(
        self,
        run: ModuleType,
        children: Children,
        free_port: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        (run.ROOT / "var").mkdir()
        kept = ["demo.sqlite3.copy", "portal.sqlite3", "portal.sqlite3-wal", "secret_key"]
        for name in ("demo.sqlite3", "demo.sqlite3-wal", *kept):
            (run.ROOT / "var" / name).touch()
        start(run, monkeypatch, "demo", "--port", free_port, "--reset")
        assert sorted(path.name for path in (run.ROOT / "var").iterdir()) == kept
        assert "Removed var/demo.sqlite3-wal" in capsys.readouterr().out

    def test_reset_leaves_a_database_that_the_portal_does_not_call_the_demos(
        self,
        run: ModuleType,
        children: Children,
        free_port: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        path = run.ROOT / "var" / "demo.sqlite3"
        path.parent.mkdir()
        path.touch()
        children.code = 1
        assert start(run, monkeypatch, "demo", "--port", free_port, "--reset") == 1
        assert [words[2:] for words in children.words] == [
            ["check", "--tag", "demo", "--database", "default"]
        ]
        assert children.environments[0]["PORTAL_DEMO"] == "1"
        assert "is not removed" in capsys.readouterr().err
        assert path.exists()

    def test_a_server_that_ends_by_itself_is_told(self, run: ModuleType, free_port: int) -> None:
        with (
            subprocess.Popen([sys.executable, "-c", ""]) as child,
            pytest.raises(run.StartError, match=str(free_port)),
        ):
            run.wait_until_it_answers(child, free_port)

    def test_no_child_is_left_behind(self, run: ModuleType) -> None:
        with run.running([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
            assert child.poll() is None
        assert child.poll() is not None

    def test_a_child_may_end_by_itself_before_it_is_asked_to(self, run: ModuleType) -> None:
        brief = [sys.executable, "-c", "import time; time.sleep(0.3)"]
        with pytest.raises(KeyboardInterrupt), run.running(brief, patience=30.0) as child:
            raise KeyboardInterrupt
        assert child.poll() == 0

    def test_ctrl_c_ends_the_demo_and_no_server_is_left(
        self, run: ModuleType, children: Children, free_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended = []
        monkeypatch.setattr(children, "terminate", lambda: ended.append("server"))
        assert start(run, monkeypatch, "demo", "--port", free_port) == 0
        assert ended[-1] == "server"


class TestTest:
    def test_it_passes_the_arguments_the_exit_code_and_database_url(
        self, run: ModuleType, children: Children, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://here")
        children.code = 5
        assert start(run, monkeypatch, "test", "-m", "browser", "--no-cov", "-k", "a b") == 5
        assert children.words == [
            [str(run.PYTHON), "-m", "pytest", "-m", "browser", "--no-cov", "-k", "a b"],
        ]
        assert children.environments[0]["DATABASE_URL"] == "postgres://here"


class TestCheck:
    def test_all_checks_run_and_the_failed_ones_are_summed_up(
        self,
        run: ModuleType,
        children: Children,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        children.code = 1
        assert start(run, monkeypatch, "check") == 1
        assert len(children.words) == len(run.CHECKS)
        assert f"0 of {len(run.CHECKS)} checks passed. Failed: Format, " in capsys.readouterr().out

    def test_a_missing_tool_is_a_failure(
        self, run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(run, "setup", lambda *arguments: None)
        assert start(run, monkeypatch, "check") == 1
        assert "0 of " in capsys.readouterr().out

    def test_templates_are_named_one_by_one(self, run: ModuleType) -> None:
        (run.ROOT / "templates/components").mkdir(parents=True)
        (run.ROOT / "templates/components/badge.html").touch()
        (run.ROOT / "templates/base.html").touch()
        command = run.check_command(("djade", "--check", "TEMPLATES"))
        assert command[1:] == ["--check", "templates/base.html", "templates/components/badge.html"]


@pytest.mark.skipif(sys.platform == "win32", reason="serve needs Linux or macOS")
class TestServe:
    def test_it_never_migrates_but_says_what_to_run(
        self,
        run: ModuleType,
        children: Children,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        children.code = 1
        assert start(run, monkeypatch, "serve") == 1
        assert "manage.py migrate" in capsys.readouterr().err
        assert [words[2:] for words in children.words] == [["migrate", "--check", "--plan"]]

    def test_gunicorn_takes_its_place_on_the_address_given(
        self, run: ModuleType, children: Children, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        replaced: list[list[str]] = []
        monkeypatch.setenv("BIND", "0.0.0.0:9000")
        monkeypatch.setattr(run.os, "execv", lambda program, words: replaced.append(words))
        monkeypatch.chdir(run.ROOT)
        start(run, monkeypatch, "serve")
        assert replaced[0][1:4] == ["-m", "gunicorn", "portal.wsgi:application"]
        assert replaced[0][-2:] == ["--bind", "0.0.0.0:9000"]
        assert [words[2] for words in children.words] == [
            "migrate",
            "check_integrity",
            "collectstatic",
        ]
