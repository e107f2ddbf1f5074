"""Start the Runbook Governance Portal. Needs Python 3.11 or newer, and nothing else.

What goes in and out: `python3 run.py --help`. Why it is made this way:
docs/decisions/0002-start-script.md. This file has to parse on Python 3.6, so that an old Python
answers with a sentence and no SyntaxError.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time

if sys.version_info < (3, 11):
    sys.exit(
        "The portal needs Python 3.11 or newer; this is Python {}.{}. Install a newer one and name "
        "it, for example: python3.11 run.py demo".format(*sys.version_info)
    )

IS_WINDOWS = os.name == "nt"
if IS_WINDOWS:
    import msvcrt
else:
    import fcntl

ROOT = pathlib.Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if IS_WINDOWS else "bin")
PYTHON, PIP = (BIN / (name + (".exe" if IS_WINDOWS else "")) for name in ("python", "pip"))
STAMP = VENV / "installed.stamp"
# run.py may be started by the Python of the .venv that it is about to remove.
BASE_PYTHON = getattr(sys, "_base_executable", None) or sys.executable
HOST = "127.0.0.1"
# The development lock holds the runtime lock's packages, so a change of either outdates it.
LOCKS = {"runtime": ("runtime.txt",), "dev": ("runtime.txt", "dev.txt")}
# The locks are complete. Without --no-deps an older pip looks for more, and refuses what it finds.
LOCK_OPTIONS = ("--require-hashes", "--no-deps", "-r")
PIP_OPTIONS = "--disable-pip-version-check --no-input --progress-bar off --no-user".split()
DEMO_SETS = {
    "PORTAL_DEMO": "1",
    "PORTAL_READ": "public",
    "DEBUG": "0",
    "DJANGO_RUNSERVER_HIDE_WARNING": "true",
    "DOCS_ROOT": str(ROOT / "fixtures"),
    "SIGNING_COOL_DOWN_HOURS": "0",  # the demo's people were made a moment ago and sign at once
}
DEMO_REMOVES = ("DATABASE_URL", "LEDGER_MARK")
# The database that the settings choose for the demo, what SQLite keeps beside it, and the ledger's
# high-water mark.
DEMO_DATABASE = ROOT / "var" / "demo.sqlite3"
MARK = ".high_water_mark.json"
DEMO_ENDINGS = ("", "-journal", "-shm", "-wal", MARK, MARK + ".write_failed")
# A title and a command of .venv. "TEMPLATES" stands for every file templates/**/*.html.
CHECKS = (
    ("Format", ("ruff", "format", "--check", ".")),
    ("Lint", ("ruff", "check", ".")),
    ("Template idioms", ("djade", "--check", "TEMPLATES")),
    ("Template layout", ("djhtml", "--check", "TEMPLATES")),
    ("Import directions", ("lint-imports",)),
    ("Types", ("mypy", ".")),
    ("Migrations complete", ("manage.py", "makemigrations", "--check", "--dry-run")),
    ("Deployment settings", ("manage.py", "check", "--deploy", "--fail-level", "ERROR")),
)
SERVER_OPTIONS = (
    *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
    # It lies in the home folder, where two portals of one user would fight for it.
    "--no-control-socket",
    # Which proxy is believed is TRUSTED_PROXIES' to say. gunicorn itself believes any local one.
    *("--forwarded-allow-ips", ""),
    # Longer than a proxy keeps an idle connection: nginx 60 s, Traefik 90 s, Caddy 120 s.
    *("--keep-alive", "130"),
)


class StartError(Exception):
    """Something the user has to put right; the text is the sentence for them."""


def say(text):
    """Print one line at once, even into a pipe."""
    print(text, flush=True)


# ---- children


@contextlib.contextmanager
def running(command, patience=0.0):
    """Run a command in the project's folder, giving the process. No child outlives the block.

    After `patience` seconds it is asked to end, and ten seconds later killed. With close_fds=False
    an installer keeps the lock of only_one_installer() even when run.py is killed.
    """
    child = subprocess.Popen([str(word) for word in command], cwd=str(ROOT), close_fds=False)
    try:
        yield child
    finally:
        for act, seconds in ((child.poll, patience), (child.terminate, 10), (child.kill, 10)):
            act()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(seconds)


def call(*command, patience=0.0):
    """Run a command, which prints as it goes; return its exit code, or 127 if it cannot start."""
    try:
        with running(command, patience) as child:
            return child.wait()
    except OSError as error:
        say(str(error))
        return 127


def manage(*arguments):
    """Run a manage.py command; raise StartError if it fails."""
    if call(PYTHON, "manage.py", *arguments):
        raise StartError(f"manage.py {arguments[0]} failed; its message is above.")


# ---- .venv and what is in it


def environment_line():
    """Return what an installed .venv is bound to: kind of Python, type of machine, place."""
    return ascii(f"{sys.implementation.cache_tag} {sysconfig.get_platform()} {VENV}")


def lock_lines(lock):
    """Return a line with a sha256 for each file of a lock, "runtime" or "dev". Raise StartError."""
    files = [ROOT / "requirements" / name for name in LOCKS[lock]]
    try:
        return {f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files}
    except OSError as error:
        raise StartError(f"This checkout is not complete: {error}") from error


def stamped_lines():
    """Return the lines that the last complete installation left; none if .venv does not work."""
    with contextlib.suppress(OSError):
        lines = set(STAMP.read_text(encoding="ascii", errors="replace").splitlines())
        return lines if PYTHON.exists() and environment_line() in lines else set()
    return set()


def make_venv(*command):
    """Replace .venv, whatever it is, with the one that a command makes; return whether it did."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        say("      Removing the old or half-made .venv")
        shutil.rmtree(str(VENV))
    return call(*command, VENV) == 0


def install_with_uv(uv, what, works):
    """Install with uv, making .venv unless the one that is there works; return whether it did."""
    works = works or make_venv(uv, "venv", "--python", BASE_PYTHON)
    return works and call(uv, "pip", "install", "--python", PYTHON, *what) == 0


def install_with_pip(what, works):
    """Install with pip, making .venv unless the one that is there works; raise StartError."""
    if not works and not importlib.util.find_spec("ensurepip"):
        raise StartError(
            "This Python cannot make a virtual environment: its module ensurepip is missing. "
            "On Debian and Ubuntu install it with: "
            "sudo apt install python{}.{}-venv".format(*sys.version_info)
        )
    works = works or make_venv(BASE_PYTHON, "-m", "venv")
    if not works or call(PYTHON, "-m", "pip", "install", *PIP_OPTIONS, *what):
        raise StartError(
            "The packages were not installed; the lines above say why. If it is the network, "
            "check the connection (or pip's settings for a proxy or mirror). Then start again: "
            "nothing has to be cleaned up."
        )


def install(lock):
    """Bring .venv to the lock's state. The stamp goes first and comes back last, in one go."""
    lines = {environment_line()} | lock_lines(lock)
    what = (*LOCK_OPTIONS, ROOT / "requirements" / LOCKS[lock][-1])
    works = bool(stamped_lines())
    with contextlib.suppress(OSError):
        STAMP.unlink()
    uv = shutil.which("uv")
    if not uv:
        install_with_pip(what, works and PIP.exists())
    elif not install_with_uv(uv, what, works):
        say("      uv failed; trying again with pip.")
        install_with_pip(what, works=False)
    fresh = STAMP.with_suffix(".new")
    fresh.write_text("\n".join(sorted(lines)), encoding="ascii")
    fresh.replace(STAMP)


def try_to_lock(handle):
    """Take the system's lock on an open file; return False while another process has it."""
    try:
        if IS_WINDOWS:
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.set_inheritable(handle.fileno(), True)
    except OSError as error:
        # Some network file systems have no locks: a single start still works there.
        return not isinstance(error, (BlockingIOError, PermissionError))
    return True


@contextlib.contextmanager
def only_one_installer():
    """Hold .venv.lock, waiting for another run.py; the system frees it even after a kill."""
    with (ROOT / ".venv.lock").open("a+b") as handle:
        if not try_to_lock(handle):
            say("      Another run.py is installing here; waiting for it.")
            while not try_to_lock(handle):
                time.sleep(0.2)
        yield


def setup(lock="runtime", heading="[1/1]"):
    """Make .venv hold the lock's packages; no work and no wait when it does already."""
    if lock_lines(lock) <= stamped_lines():
        say(heading + " .venv is up to date")
        return
    say(f"{heading} Making .venv with requirements/{LOCKS[lock][-1]} ...")
    with only_one_installer():
        if not lock_lines(lock) <= stamped_lines():
            install(lock)


# ---- the verbs


def require_free_port(port):
    """Raise StartError, naming the port, if something listens on it or it cannot be opened."""
    try:
        if port < 1:
            raise OverflowError
        with socket.create_server((HOST, port)):
            return
    except (OSError, OverflowError):
        other = port + 1 if port in range(1024, 65535) else 8001
        raise StartError(
            f"Port {port} on {HOST} is taken or not allowed. End what listens there, or "
            f"choose another one: python3 run.py demo --port {other}"
        ) from None


def remove_database():
    """Remove the demo's database and what lies beside it, nothing else; say what was removed."""
    name = DEMO_DATABASE.name
    is_ours = (PYTHON, "manage.py", "check", "--tag", "demo", "--database", "default")
    if DEMO_DATABASE.exists() and call(*is_ours):
        raise StartError(f"var/{name} is not the demo's, so it is not removed. Move it away.")
    for file in (*(name + ending for ending in DEMO_ENDINGS), f".{name}{MARK}.lock"):
        if DEMO_DATABASE.with_name(file).exists():
            DEMO_DATABASE.with_name(file).unlink()
            say("      Removed var/" + file)


def wait_until_it_answers(child, port, seconds=60):
    """Return when something listens; raise StartError if the child ends or the time is over."""
    deadline = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port)):
            return
        time.sleep(0.1)
    raise StartError(f"The server did not come up on port {port}; its messages are above.")


def demo(port, reset):
    """Install, migrate, seed, serve on SQLite until Ctrl-C; raise StartError if a step fails."""
    # A shell script starts its background jobs deaf to Ctrl-C; `kill -INT` still ends this one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in set(DEMO_REMOVES) & set(os.environ):
        say(f"{name} is set; the demo leaves it alone and uses var/{DEMO_DATABASE.name}.")
        del os.environ[name]
    os.environ.update(DEMO_SETS)
    require_free_port(port)
    setup("runtime", "[1/4]")
    DEMO_DATABASE.parent.mkdir(exist_ok=True)
    say("[2/4] Making the database ...")
    if reset:
        remove_database()
    manage("migrate", "--noinput", "--verbosity", "0")
    say("[3/4] Filling in the demo's runbooks and people ...")
    manage("seed_demo")
    say("[4/4] Starting the server ...")
    require_free_port(port)  # once more: installing may have taken minutes
    server = [PYTHON, "manage.py", "runserver", f"{HOST}:{port}", "--noreload"]
    with contextlib.suppress(KeyboardInterrupt), running(server) as child:
        wait_until_it_answers(child, port)
        say(f"\nThe portal is at http://{HOST}:{port}/   (Ctrl-C ends it)\n")
        raise StartError(f"The server ended by itself with exit code {child.wait()}.")


def run_tests(pytest_arguments):
    """Install the development lock, run pytest with the arguments given, return its exit code."""
    setup("dev", "[1/2]")
    say("[2/2] Running the tests ...")
    # After Ctrl-C pytest still prints what failed so far.
    return call(PYTHON, "-m", "pytest", *pytest_arguments, patience=10.0)


def check_command(words):
    """Turn the words of one line of CHECKS into a command of .venv."""
    templates = sorted(path.relative_to(ROOT) for path in (ROOT / "templates").rglob("*.html"))
    command = [PYTHON, words[0]] if words[0] == "manage.py" else [BIN / words[0]]
    for word in words[1:]:
        command += [path.as_posix() for path in templates] if word == "TEMPLATES" else [word]
    return command


def check():
    """Run every line of CHECKS, also after a failure, and sum up; return whether any failed."""
    steps = len(CHECKS) + 1
    setup("dev", f"[1/{steps}]")
    failed = []
    for number, (title, words) in enumerate(CHECKS, 2):
        say(f"\n[{number}/{steps}] {title}: {' '.join(words)}")
        if call(*check_command(words)):
            failed.append(title)
    passed = f"\n{len(CHECKS) - len(failed)} of {len(CHECKS)} checks passed."
    say(f"{passed} Failed: {', '.join(failed) or 'none'}")
    return bool(failed)


def serve():
    """Become gunicorn on BIND, never migrating; raise StartError on what stands in the way."""
    if IS_WINDOWS:
        raise StartError("serve needs Linux or macOS, for gunicorn; `run.py demo` runs here.")
    setup("runtime", "[1/4]")
    say("[2/4] Are all migrations applied?")
    if call(PYTHON, "manage.py", "migrate", "--check", "--plan"):
        raise StartError(
            "The database cannot be served as it is; the lines above say why. If they list planned "
            "operations, make a backup, then: .venv/bin/python manage.py migrate"
        )
    # Whatever it finds, the portal serves: its verdicts are then no-go.
    call(PYTHON, "manage.py", "check_integrity")
    say("[3/4] Collecting the static files")
    manage("collectstatic", "--noinput")
    bind = os.environ.get("BIND") or HOST + ":8000"
    say("[4/4] Serving on " + bind)
    os.chdir(str(ROOT))
    gunicorn = [str(PYTHON), "-m", "gunicorn", "portal.wsgi:application", *SERVER_OPTIONS]
    # In the place of run.py, so that signals reach gunicorn itself.
    os.execv(gunicorn[0], [*gunicorn, "--bind", bind])


def run_verb(arguments):
    """Take the words after run.py, do what they say, return the exit code."""
    if arguments[:1] == ["test"]:  # argparse would claim pytest's options
        return run_tests(arguments[1:])
    parser = argparse.ArgumentParser(prog="run.py", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", metavar="verb")
    verbs.required = True
    verbs.add_parser("setup", help="make .venv and install the locked packages, nothing else")
    options = verbs.add_parser("demo", help="show the portal with example data")
    options.add_argument("--port", type=int, default=8000, help="another port than 8000")
    options.add_argument("--reset", action="store_true", help="begin with a new demo database")
    verbs.add_parser("test", help="run the tests; what follows goes to pytest")
    verbs.add_parser("check", help="run formatter, linters, types: all but the tests")
    verbs.add_parser("serve", help="serve with gunicorn; environment: BIND, DATABASE_URL, ...")
    given = vars(parser.parse_args(arguments))
    functions = {"setup": setup, "demo": demo, "check": check, "serve": serve}
    return functions[given.pop("verb")](**given)


def main():
    """Return the exit code: 0 done, 1 with a sentence on what to put right, 130 after Ctrl-C."""
    sys.stdout.reconfigure(errors="backslashreplace")
    # For the children: no print waits in a buffer or fails on its encoding.
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    os.environ.setdefault("PYTHONIOENCODING", ":backslashreplace")
    # Leave through every `finally`, so that no child is left behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        return int(run_verb(sys.argv[1:]) or 0)
    except (StartError, OSError) as error:  # such as a folder we may not write in
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
