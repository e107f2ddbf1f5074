"""What ``run.py serve`` serves: names with a hash, compressed, kept by the browser for ever."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import override_settings

from portal.static_files import HashedStaticFiles

ROOT = django_settings.BASE_DIR
HASHED = re.compile(r"/static/portal/[a-z]+\.[0-9a-f]{12}\.css")
needs_gunicorn = pytest.mark.skipif(sys.platform == "win32", reason="serve needs Linux or macOS")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the portal in its own folder, with an empty ``var/`` and a migrated database."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("portal", "governance", "runbooks", "templates"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "run.py"):
        shutil.copy(ROOT / name, copy)
    assert manage(copy, "migrate", "--verbosity", "0").returncode == 0
    return copy


def clean_environment(**more):
    return {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "x" * 50,
        "HOME": os.environ.get("HOME", "/"),
        **more,
    }


def manage(checkout, *words, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=checkout,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


class Server:
    """gunicorn with the options of ``run.py``, on a free port."""

    def __init__(self, checkout, **environment):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        options = "import run, sys; sys.stdout.write('\\n'.join(run.SERVER_OPTIONS))"
        read = subprocess.run(
            [sys.executable, "-c", options],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=True,
        )
        words = [
            sys.executable,
            "-m",
            "gunicorn",
            "portal.wsgi:application",
            *read.stdout.split("\n"),
        ]
        self.process = subprocess.Popen(
            [*words, "--bind", f"127.0.0.1:{port}"],
            cwd=checkout,
            env=clean_environment(**environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.get("/healthz")
            except OSError:
                time.sleep(0.1)
            else:
                return self
        self.__exit__()
        raise AssertionError("the server did not come up")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def get(self, path, **headers):
        request = urllib.request.Request(self.address + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


@needs_gunicorn
def test_before_they_are_collected_files_are_served_as_they_lie_and_no_command_fails(checkout):
    shutil.rmtree(checkout / "var" / "static", ignore_errors=True)
    assert manage(checkout, "check", "--deploy").returncode == 0
    with Server(checkout) as server:
        status, _, page = server.get("/login/")
        assert status == 200
        assert not HASHED.search(page.decode())
        status, headers, _ = server.get("/static/portal/base.css")
        assert (status, "immutable" in headers["Cache-Control"]) == (200, False)


@needs_gunicorn
def test_served_files_have_a_hash_in_their_name_are_compressed_and_kept_for_ever(checkout):
    """The steps of ``run.py serve``: collect, then gunicorn with its options."""
    collected = manage(checkout, "collectstatic", "--noinput")
    assert collected.returncode == 0, collected.stderr
    assert (checkout / "var" / "static" / "staticfiles.json").exists()
    again = manage(checkout, "collectstatic", "--noinput")
    assert again.returncode == 0, "a second start collects once more"
    with Server(checkout) as server:
        status, _, page = server.get("/login/")
        assert status == 200
        addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.decode())
        assert addresses
        for address in addresses:
            assert re.search(r"\.[0-9a-f]{12}\.\w+$", address), address
            status, headers, body = server.get(address, **{"Accept-Encoding": "gzip"})
            assert status == 200, address
            assert "immutable" in headers["Cache-Control"]
            assert int(re.search(r"max-age=(\d+)", headers["Cache-Control"])[1]) >= 31_536_000
            if len(body) > 1_000:
                assert headers["Content-Encoding"] == "gzip"
        stylesheet = next(address for address in addresses if address.endswith(".css"))
        assert len(server.get(stylesheet, **{"Accept-Encoding": "gzip"})[2]) < len(
            server.get(stylesheet)[2]
        )
        plain = server.get("/static/portal/base.css")
        assert (plain[0], "immutable" in plain[1]["Cache-Control"]) == (200, False)
        status, headers, _ = server.get("/login/")
        assert "immutable" not in headers["Cache-Control"], "a page is no file"


@needs_gunicorn
def test_what_a_proxy_says_is_believed_where_it_is_counted(checkout):
    """Only then does the portal know that it is read over HTTPS, and sends HSTS."""
    https = {"CSRF_TRUSTED_ORIGINS": "https://portal.example"}
    with Server(checkout, **https) as server:
        assert (
            "Strict-Transport-Security"
            not in server.get("/healthz", **{"X-Forwarded-Proto": "https"})[1]
        )
    with Server(checkout, **https, TRUSTED_PROXIES="1") as server:
        assert (
            "Strict-Transport-Security"
            in server.get("/healthz", **{"X-Forwarded-Proto": "https"})[1]
        )
        assert "Strict-Transport-Security" not in server.get("/healthz")[1]


# ---- without a server


def test_a_file_that_was_not_collected_keeps_its_name(tmp_path):
    with override_settings(STATIC_ROOT=tmp_path, DEBUG=False):
        storage = HashedStaticFiles()
        assert storage.url("portal/base.css") == "/static/portal/base.css"
        (tmp_path / "staticfiles.json").write_text(
            '{"version": "1.1", "paths": {"a.css": "a.0123456789ab.css"}}'
        )
        storage = HashedStaticFiles()
        assert storage.url("a.css") == "/static/a.0123456789ab.css"
        assert storage.url("a.css?v=1#top") == "/static/a.0123456789ab.css?v=1#top"
        assert storage.url("brought-by-an-update.css") == "/static/brought-by-an-update.css"


@pytest.mark.parametrize("text", ["", "{", '{"version": "9"}'])
def test_a_broken_list_of_collected_files_stops_no_page(tmp_path, text):
    (tmp_path / "staticfiles.json").write_text(text)
    with override_settings(STATIC_ROOT=tmp_path, DEBUG=False):
        assert HashedStaticFiles().url("portal/base.css") == "/static/portal/base.css"


def test_the_demo_needs_no_collecting():
    assert not isinstance(staticfiles_storage, HashedStaticFiles)
