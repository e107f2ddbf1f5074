"""Start the Runbook Governance Portal. Needs Python 3.11 or newer, and nothing else.

What goes in and out: `python3 run.py --help`. Why it is made this way:
docs/decisions/0002-start-script.md. This file has to parse on Python 3.6, so that an old Python
answers with a sentence and no SyntaxError.
"""

import argparse
import contextlib
import hashlib
import http.client
import importlib.util
import io
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time

MINIMUM_PYTHON = (3, 11)


def old_python_sentence(version):
    """Take a version as (major, minor, ...); return what to tell its user, or "" when it is new enough."""
    if tuple(version[:2]) >= MINIMUM_PYTHON:
        return ""
    needed = f"The portal needs Python 3.11 or newer; this is Python {version[0]}.{version[1]}."
    return needed + " Install a newer one and name it, for example: python3.11 run.py demo"


if old_python_sentence(sys.version_info):
    sys.exit(old_python_sentence(sys.version_info))

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

ROOT = pathlib.Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON, PIP = (BIN / (name + (".exe" if os.name == "nt" else "")) for name in ("python", "pip"))
STAMP = VENV / "installed.stamp"
# Inside a virtual environment this is the Python below it: the environment may be ours, about to be
# removed.
BASE_PYTHON = getattr(sys, "_base_executable", None) or sys.executable
HOST = "127.0.0.1"

# The development lock holds the runtime lock's packages too, so it is out of date when either
# changes.
LOCKS = {"runtime": ("runtime.txt",), "dev": ("runtime.txt", "dev.txt")}
DEMO_SETS = {
    "PORTAL_DEMO": "1",
    "PORTAL_READ": "public",
    "DEBUG": "0",
    "DJANGO_RUNSERVER_HIDE_WARNING": "true",
    "DOCS_ROOT": str(ROOT / "fixtures"),
    "SIGNING_COOL_DOWN_HOURS": "0",  # the demo's people were made a moment ago and sign at once
}
DEMO_REMOVES = ("DATABASE_URL", "LEDGER_MARK")
# The demo's own database, which settings choose where PORTAL_DEMO is set, and what is kept beside
# it.
MARK = ".high_water_mark.json"
DEMO_ENDINGS = ("", "-journal", "-shm", "-wal", MARK, MARK + ".write_failed")
DEMO_FILES = (
    *("demo.sqlite3" + ending for ending in DEMO_ENDINGS),
    ".demo.sqlite3" + MARK + ".lock",
)
# A heading and a command of .venv. "TEMPLATES" stands for every file templates/**/*.html.
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
# The locks are complete, so nothing is looked for beside them: older pips look an extra up anew and
# refuse what they find.
LOCK_OPTIONS = ("--require-hashes", "--no-deps")
PIP_OPTIONS = (
    *LOCK_OPTIONS,
    "--disable-pip-version-check",
    "--no-input",
    "--progress-bar",
    "off",
    "--no-user",
)
# Two portals of one user would fight for gunicorn's control socket, which lies in the home folder.
SERVER_OPTIONS = (
    "--worker-class",
    "gthread",
    "--workers",
    "2",
    "--threads",
    "4",
    "--no-control-socket",
)
# Which proxy's headers are believed is TRUSTED_PROXIES' to say; gunicorn itself would believe any
# local one.
SERVER_OPTIONS += ("--forwarded-allow-ips", "")
# Longer than a proxy keeps an idle connection (nginx 60 s, Traefik 90 s, Caddy 120 s): whoever
# sends last must not close.
SERVER_OPTIONS += ("--keep-alive", "130")
# The first words of the lines of pip and of uv that a waiting person wants to see.
PROGRESS_WORDS = ("Collecting", "Building", "Resolved", "Prepared", "Installed")


class StartError(Exception):
    """Something the person has to put right; the text is the sentence for them."""


def say(text):
    """Print one line at once, even into a pipe."""
    print(text, flush=True)


@contextlib.contextmanager
def step(text):
    """Show the beginning of a step, a sign of life every 15 seconds, and the seconds it took."""
    began = time.monotonic()
    done = threading.Event()

    def beat():
        while not done.wait(15):
            say(f"      still at work after {time.monotonic() - began:.0f} s")

    say(text + " ...")
    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        done.set()
    say(f"      done in {time.monotonic() - began:.1f} s")


# ---- children


def child_environment():
    """Return the environment for a child, in which no print fails on its encoding or waits in a buffer."""
    encoding = os.environ.get("PYTHONIOENCODING", "")
    forgiving = encoding if ":" in encoding else encoding + ":backslashreplace"
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": forgiving}


def demo_environment():
    """Return the environment of the demo's children: open to readers, and on SQLite whatever is set outside."""
    kept = {name: value for name, value in child_environment().items() if name not in DEMO_REMOVES}
    return {**kept, **DEMO_SETS}


def begin(command, environment=None, **options):
    """Start a command in the project's folder; return the process. Raises OSError if there is no such program."""
    if sys.stdin is None:  # the child would otherwise take the first file it opens for its input
        options.setdefault("stdin", subprocess.DEVNULL)
    words = [str(word) for word in command]
    return subprocess.Popen(words, cwd=str(ROOT), env=environment or child_environment(), **options)


def end(child, patience=0.0):
    """End a child that still runs: give it `patience` seconds of its own, ask it, and after ten seconds insist."""
    for act, seconds in ((None, patience), (child.terminate, 10.0), (child.kill, None)):
        if act:
            act()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return


def call(command, environment=None, patience=0.0):
    """Run a command, its output shown as it comes; return its exit code."""
    child = begin(command, environment)
    try:
        return child.wait()
    finally:
        end(child, patience)


def listen(command):
    """Run a command, showing of its output one short line for each package; return (exit code, whole output)."""
    output = []
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        # With close_fds=False an installer keeps the lock of only_one_installer() even when we are
        # killed.
        child = begin(command, close_fds=False, **pipes)
    except OSError as error:
        return 127, f"{command[0]}: {error}"
    try:
        for line in child.stdout:
            output.append(line.decode("utf-8", "replace").rstrip())
            if output[-1].startswith("Installing collected"):
                say(f"      Unpacking {output[-1].count(',') + 1} packages")
            elif output[-1].startswith(PROGRESS_WORDS):
                say("      " + output[-1].split(" (from")[0])
        return child.wait(), "\n".join(output)
    finally:
        end(child)


def manage(*arguments, environment=None):
    """Run a manage.py command; raise StartError if it fails."""
    if call([PYTHON, "manage.py", *arguments], environment):
        raise StartError(f"manage.py {arguments[0]} failed; its message is above.")


# ---- .venv and what is in it


def environment_line():
    """Return what an installed .venv is bound to: this kind of Python, this type of machine, this place."""
    return f"{sys.implementation.cache_tag} {sysconfig.get_platform()} {VENV}"


def lock_lines(lock):
    """Take "runtime" or "dev"; return one line with a sha256 for each of its files. Raises StartError."""
    files = [ROOT / "requirements" / name for name in LOCKS[lock]]
    try:
        return {f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files}
    except OSError as error:
        raise StartError(f"This checkout is not complete: {error}") from error


def stamped_lines():
    """Return the lines that the last complete installation left, or none."""
    with contextlib.suppress(OSError):
        return set(STAMP.read_bytes().decode("utf-8", "surrogateescape").splitlines())
    return set()


def write_stamp(lines):
    """Write the stamp in one go: there is a whole one or none."""
    fresh = STAMP.with_suffix(".new")
    fresh.write_bytes("\n".join(sorted(lines)).encode("utf-8", "surrogateescape"))
    fresh.replace(STAMP)


def venv_works():
    """Say whether .venv was once completely made here by this kind of Python, and that Python still runs."""
    if environment_line() not in stamped_lines():
        return False
    code, answer = listen(
        [PYTHON, "-I", "-S", "-c", "import sys; print(sys.implementation.cache_tag)"]
    )
    return code == 0 and answer == sys.implementation.cache_tag


def is_current(lock):
    """Say whether .venv works and holds exactly what the lock's files say."""
    return lock_lines(lock) <= stamped_lines() and venv_works()


def remove_venv():
    """Remove .venv, whatever it is; raise StartError when the system refuses."""
    try:
        if VENV.is_symlink() or VENV.is_file():
            VENV.unlink()
        elif VENV.exists():
            say("      Removing the old or half-made .venv")
            shutil.rmtree(str(VENV))
    except OSError as error:
        raise StartError(
            f"Cannot remove .venv ({error}). End what still uses it and start again."
        ) from error


def make_venv():
    """Make a new .venv with Python's own module; raise StartError, leaving no half of it, when that fails."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        package = "python{}.{}-venv".format(*sys.version_info)
        raise StartError(
            "This Python cannot make a virtual environment: its module ensurepip is missing. "
            f"On Debian and Ubuntu install it with: sudo apt install {package}"
        )
    remove_venv()
    code, output = listen([BASE_PYTHON, "-m", "venv", VENV])
    if code:
        remove_venv()
        raise StartError(output + "\nMaking .venv failed; the reason is above.")


def install_with_pip(lock_file, works):
    """Install with .venv's own pip, `works` telling whether .venv can be kept; raise StartError if it fails."""
    if not (works and PIP.exists()):
        make_venv()
    code, output = listen([PYTHON, "-m", "pip", "install", *PIP_OPTIONS, "-r", lock_file])
    if code:
        say("\n".join(output.splitlines()[-60:]))
        raise StartError(
            f"pip could not install requirements/{lock_file.name}; its last lines above say "
            "why. If it is the network, "
            "check the connection (or pip's settings for a proxy or mirror). Then start "
            "again: nothing has to be "
            "cleaned up."
        )


def install_with_uv(uv, lock_file, works):
    """Install with uv, `works` telling whether .venv can be kept; return whether that went well."""
    commands = [[uv, "pip", "install", *LOCK_OPTIONS, "--python", PYTHON, "-r", lock_file]]
    if not works:
        remove_venv()
        commands.insert(0, [uv, "venv", "--python", BASE_PYTHON, VENV])
    for command in commands:
        code, output = listen(command)
        if code:
            say("\n".join(output.splitlines()[-8:]))
            say("      uv did not manage it; trying again with pip.")
            return False
    return True


def install(lock):
    """Bring .venv to the lock's state. The stamp goes first and comes back last: without it .venv is made anew."""
    lines = {environment_line()} | lock_lines(lock)
    lock_file = ROOT / "requirements" / LOCKS[lock][-1]
    works = venv_works()
    with contextlib.suppress(OSError):
        STAMP.unlink()
    uv = shutil.which("uv")
    if not (uv and install_with_uv(uv, lock_file, works)):
        install_with_pip(lock_file, works and not uv)
    write_stamp(lines)


def try_to_lock(handle):
    """Take the operating system's lock on an open file; return False while another process has it."""
    try:
        if sys.platform == "win32":
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.set_inheritable(handle.fileno(), True)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # some network file systems have no locks: a single start must still work there
    return True


@contextlib.contextmanager
def only_one_installer():
    """Hold .venv.lock, waiting for another run.py of this folder; the system frees it even after a kill."""
    with (ROOT / ".venv.lock").open("a+b") as handle:
        if not try_to_lock(handle):
            say("      Another run.py is installing here; waiting for it.")
            while not try_to_lock(handle):
                time.sleep(0.2)
        yield


def setup(lock="runtime", heading="[1/1]"):
    """Make .venv hold the lock's packages; no work and no wait when it does already."""
    if is_current(lock):
        say(heading + " .venv is up to date")
        return
    title = f"{heading} Making .venv with requirements/{LOCKS[lock][-1]}"
    with step(title), only_one_installer():
        if not is_current(lock):
            install(lock)


# ---- the verbs


def require_free_port(port):
    """Raise StartError, naming the port, if something listens on it or it cannot be opened."""
    try:
        with contextlib.closing(socket.socket()) as probe:
            free = probe.connect_ex((HOST, port)) != 0 and port > 0
        with contextlib.closing(socket.socket()) as probe:
            if (
                os.name != "nt"
            ):  # there it would mean sharing the port; here: not minding connections just closed
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except (OSError, OverflowError):
        free = False
    if not free:
        raise StartError(
            f"Port {port} on {HOST} is taken or not allowed. End what listens there, or "
            "choose another one: "
            f"python3 run.py demo --port {port + 1 if port in range(1024, 65535) else 8001}"
        )


def is_somebody_elses(path):
    """Take an SQLite file; say whether it holds a portal and lacks the demo's mark (governance/demo_database.py)."""
    try:
        import sqlite3  # noqa: PLC0415 - a Python may lack it, and only --reset asks
    except ImportError:
        return False
    try:
        with contextlib.closing(sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)) as database:
            (held,) = database.execute(
                "SELECT (SELECT count(*) FROM auth_user) + (SELECT count(*) FROM runbooks_runbook)"
            ).fetchone()
            (marks,) = database.execute(
                "SELECT count(*) FROM governance_changelogentry "
                "WHERE actor = '(system)' AND reason = 'Demo' AND subject LIKE 'user:%'"
            ).fetchone()
    except sqlite3.Error:  # no such file, not a database, or one that was never filled
        return False
    return held > 0 and marks == 0


def remove_database():
    """Remove the demo's database and what SQLite keeps beside it, nothing else; say what was removed."""
    if is_somebody_elses(ROOT / "var" / DEMO_FILES[0]):
        raise StartError(
            f"var/{DEMO_FILES[0]} holds a portal that is not the demo's, so it is not "
            "removed. Move it away."
        )
    for path in [ROOT / "var" / name for name in DEMO_FILES if (ROOT / "var" / name).exists()]:
        try:
            path.unlink()
        except OSError as error:
            raise StartError(
                f"Cannot remove {path.name} ({error}). End the demo that uses it."
            ) from error
        say("      Removed var/" + path.name)


def wait_until_it_answers(child, port, seconds=60):
    """Return when http://127.0.0.1:port/ gives any HTTP answer; raise StartError if the child ends or time is over."""
    deadline = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
        not_yet = contextlib.suppress(OSError, http.client.HTTPException)
        with not_yet, contextlib.closing(connection):
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        time.sleep(0.1)
    raise StartError(f"The server did not come up on port {port}; its messages are above.")


def serve_demo(port, environment):
    """Serve until Ctrl-C (returns 0); raise StartError if the server ends by itself."""
    require_free_port(port)  # once more: installing may have taken minutes
    child = begin([PYTHON, "manage.py", "runserver", f"{HOST}:{port}", "--noreload"], environment)
    try:
        with step("[4/4] Starting the server"):
            wait_until_it_answers(child, port)
        say(f"\nThe portal is at http://{HOST}:{port}/   (Ctrl-C ends it)\n")
        raise StartError(f"The server ended by itself with exit code {child.wait()}.")
    except KeyboardInterrupt:
        return 0
    finally:
        end(child)


def demo(port, reset):
    """Install, migrate, seed, serve on SQLite; return the exit code."""
    # A shell script starts its background jobs deaf to Ctrl-C; `kill -INT` should still end this
    # one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in set(DEMO_REMOVES) & set(os.environ):
        say(
            f"{name} is set; the demo leaves it alone and uses a file of its own, "
            f"var/{DEMO_FILES[0]}."
        )
    require_free_port(port)
    setup("runtime", "[1/4]")
    (ROOT / "var").mkdir(exist_ok=True)
    environment = demo_environment()
    with step("[2/4] Making the database"):
        if reset:
            remove_database()
        manage("migrate", "--noinput", "--verbosity", "0", environment=environment)
    with step("[3/4] Filling in the demo's runbooks and people"):
        manage("seed_demo", environment=environment)
    return serve_demo(port, environment)


def run_tests(pytest_arguments):
    """Install the development lock, run pytest with the arguments given, return its exit code."""
    setup("dev", "[1/2]")
    say("[2/2] Running the tests ...")
    # After Ctrl-C pytest still prints what failed so far.
    return call([PYTHON, "-m", "pytest", *pytest_arguments], patience=10.0)


def check_command(words):
    """Turn the words of one line of CHECKS into a command of .venv."""
    templates = sorted(
        path.relative_to(ROOT).as_posix() for path in (ROOT / "templates").rglob("*.html")
    )
    command = [PYTHON, words[0]] if words[0] == "manage.py" else [BIN / words[0]]
    for word in words[1:]:
        command += templates if word == "TEMPLATES" else [word]
    return command


def check():
    """Run every line of CHECKS, also after a failure, and sum up; return 1 if any failed."""
    steps = len(CHECKS) + 1
    setup("dev", f"[1/{steps}]")
    failed = []
    for number, (title, words) in enumerate(CHECKS, 2):
        say(f"\n[{number}/{steps}] {title}: {' '.join(words)}")
        try:
            code = call(check_command(words))
        except OSError as error:
            code = str(error)
        if code:
            say(f"{title} failed: {code}")
            failed.append(title)
    say(
        f"\n{len(CHECKS) - len(failed)} of {len(CHECKS)} checks passed. Failed: "
        f"{', '.join(failed) or 'none'}"
    )
    return 1 if failed else 0


def serve():
    """Serve with gunicorn on BIND, never migrating by itself; raise StartError on what stands in the way."""
    if os.name == "nt":
        raise StartError(
            "serve needs Linux or macOS (gunicorn does not run on Windows); `run.py demo` "
            "runs here."
        )
    setup("runtime", "[1/4]")
    say("[2/4] Are all migrations applied?")
    code, plan = listen([PYTHON, "manage.py", "migrate", "--check", "--plan"])
    if code:
        say(plan)
        if "Planned operations" not in plan:
            raise StartError("The database cannot be used; the message above says why.")
        raise StartError(
            "There are migrations to apply. Make a backup, then: .venv/bin/python manage.py migrate"
        )
    call(
        [PYTHON, "manage.py", "check_integrity"]
    )  # the portal serves all the same: its verdicts are no-go
    say("[3/4] Collecting the static files")
    manage("collectstatic", "--noinput")
    bind = os.environ.get("BIND") or HOST + ":8000"
    say("[4/4] Serving on " + bind)
    os.chdir(str(ROOT))
    gunicorn = [
        str(PYTHON),
        "-m",
        "gunicorn",
        "portal.wsgi:application",
        *SERVER_OPTIONS,
        "--bind",
        bind,
    ]
    return os.execve(
        gunicorn[0], gunicorn, child_environment()
    )  # signals then reach gunicorn itself


def read_arguments(arguments):
    """Take the words after run.py; return a namespace with verb, and for the demo port and reset."""
    parser = argparse.ArgumentParser(
        prog="run.py", description="Start the Runbook Governance Portal."
    )
    verbs = parser.add_subparsers(dest="verb", metavar="verb")
    verbs.required = True
    verbs.add_parser("setup", help="make .venv and install the locked packages, nothing else")
    demonstration = verbs.add_parser(
        "demo", help="show the portal with example data on http://127.0.0.1:8000/"
    )
    demonstration.add_argument("--port", type=int, default=8000, help="another port than 8000")
    demonstration.add_argument(
        "--reset", action="store_true", help="begin with a new demo database"
    )
    verbs.add_parser("test", help="run the tests; what follows goes to pytest")
    verbs.add_parser(
        "check",
        help="format, lint, templates, imports, types, migrations, settings: all but the tests",
    )
    verbs.add_parser(
        "serve", help="serve with gunicorn; environment: BIND, DATABASE_URL, SECRET_KEY and so on"
    )
    return parser.parse_args(arguments)


def run_verb(arguments):
    """Take the words after run.py, do what they say, return the exit code."""
    if arguments[:1] == ["test"]:  # argparse would claim pytest's options
        return run_tests(arguments[1:])
    options = read_arguments(arguments)
    if options.verb == "demo":
        return demo(options.port, options.reset)
    return {"setup": setup, "check": check, "serve": serve}[options.verb]()


def stop_on_signal(number, _frame):
    """Leave through every `finally`, so that no child is left behind."""
    raise SystemExit(128 + number)


def main():
    """Return the exit code: 0 done, 1 with a sentence when something is to be put right, 130 after Ctrl-C."""
    for standard_stream in (sys.stdout, sys.stderr):
        if isinstance(standard_stream, io.TextIOWrapper):
            standard_stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, stop_on_signal)
    try:
        return run_verb(sys.argv[1:]) or 0
    except (
        StartError,
        OSError,
    ) as error:  # such as a folder we may not write in: its text names the path
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
