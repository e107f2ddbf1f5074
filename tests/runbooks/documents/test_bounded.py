"""Rendering within limits: whatever the text, the caller gets an answer and no text is lost."""

import os
import signal
import subprocess
import sys
import threading
from html import unescape
from pathlib import Path

import pytest

from runbooks.documents.rendering import sandbox
from runbooks.documents.rendering.sandbox import RenderingProcess
from tests.runbooks.documents.reader import Reader

QUICK = {"document": 2.0, "fragment": 2.0}
# A regular heap that any parser needs minutes for.
ENDLESS = "[a]: /" + "u" * 100_000 + "\n\n" + "[a]" * 20_000


@pytest.fixture
def process():
    made = []

    def start(**limits):
        made.append(RenderingProcess(**limits))
        return made[-1]

    yield start
    for one in made:
        one.close()


HOSTILE = {
    "brackets": "[" * 20_000,
    "declarations": "<![" * 10_000,
    "nested lists": "".join(f"{'  ' * level}- level{level}\n" for level in range(400)),
    "nested quotes": ">" * 5_000 + " deepest",
    "definitions": "term\n: said of it\n" * 5_000,
    "a megabyte of table": "| a | b | c |\n|---|---|---|\n" + "| x | y | z |\n" * 80_000,
    "images": "![" * 20_000,
    "emphasis": "**a " * 30_000,
    "folds": "<details>\n\n" * 20_000,
    "references": ENDLESS,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_answered_and_none_of_it_is_lost(process, name):
    text = HOSTILE[name]
    rendered = process(seconds=QUICK).render(kind="document", text=text)
    if rendered.trouble:
        assert unescape(rendered.html) == f'<pre class="unrendered">{text}</pre>'
        assert rendered.contents == []
    else:
        assert len(Reader(rendered.html).words.split()) > 0 or name == "folds"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_short_text_is_answered(process, name):
    renderer = process(seconds=QUICK)
    renderer.render(kind="fragment", text=HOSTILE[name][:2_000])
    assert renderer.render(kind="fragment", text="after").html.startswith("<p>after")


def test_a_long_short_text_is_shown_as_it_stands(process):
    rendered = process().render(kind="fragment", text="*a* " * 2_000)
    assert rendered.html.startswith('<pre class="unrendered">*a*')


def test_after_a_text_that_went_too_far_the_next_is_rendered(process):
    renderer = process(seconds=QUICK)
    assert "2 seconds" in renderer.render(kind="document", text=ENDLESS).trouble
    rendered = renderer.render(kind="document", text="# After")
    assert (rendered.html, rendered.trouble) == ('<h2 id="doc-after">After</h2>\n', "")


@pytest.mark.skipif(sys.platform == "win32", reason="This platform has no limit of memory.")
def test_a_text_that_needs_too_much_memory_is_shown_as_it_stands(process):
    rendered = process(megabytes=96).render(kind="document", text="- a\n" * 200_000)
    assert "96 MB" in rendered.trouble


def test_one_process_serves_many_texts_from_many_threads(process):
    renderer, found = process(), {}

    def render(number):
        found[number] = renderer.render(kind="document", text=f"# {number}").html

    threads = [threading.Thread(target=render, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: f'<h2 id="doc-{number}">{number}</h2>\n' for number in range(20)}


def test_a_process_that_somebody_killed_is_replaced(process):
    renderer = process()
    renderer.render(kind="document", text="a")
    renderer._process.kill()
    renderer._process.wait()
    assert renderer.render(kind="document", text="# b").trouble == ""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="This platform stops no process.")
def test_a_process_that_does_nothing_at_all_is_replaced(process):
    renderer = process(seconds=QUICK)
    renderer.render(kind="document", text="a")
    os.kill(renderer._process.pid, signal.SIGSTOP)
    assert "2 seconds" in renderer.render(kind="document", text="b").trouble
    assert renderer.render(kind="document", text="# c").trouble == ""


def test_an_idle_process_ends(process):
    renderer = process(idle=0.01)
    renderer.render(kind="document", text="a")
    renderer._closing.join()
    assert renderer._process is None


def test_a_forked_worker_has_a_process_of_its_own():
    code = (
        "import os, sys\nfrom runbooks.documents.rendering import sandbox as bounded\n"
        "bounded.render_document('a', document_path='')\nbefore = bounded._shared\nnumber = "
        "os.fork()\n"
        "if not number:\n"
        "    bounded._shared._lock.acquire(timeout=0) and bounded._shared._lock.release()\n"
        "    own = bounded._shared is not before and bounded.render_document('# b', "
        "document_path='').trouble == ''\n"
        "    os._exit(0 if own else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]))\n"
    )
    if not hasattr(os, "fork"):
        pytest.skip("This platform does not fork.")
    root = Path(__file__).resolve().parents[3]
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60, check=False).returncode
        == 0
    )


def test_the_process_knows_no_secret_and_no_framework(monkeypatch):
    code = (
        "import sys, runbooks.documents.rendering.worker; sys.exit(any(name.startswith('django') "
        "for name in sys.modules))"
    )
    root = Path(__file__).resolve().parents[3]
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60, check=False).returncode
        == 0
    )
    assert not {"SECRET_KEY", "DATABASE_URL"} & set(sandbox.ENVIRONMENT)


def test_odd_signs_pass_both_ways(process):
    renderer = process()
    for text in ("\ud800 a", "\x00 a", "é 日本 🚨", "\u2028a", "\r\na\r\n"):
        assert "a" in renderer.render(kind="document", text=text + "a").html


def test_the_portal_itself_loads_no_parser():
    code = (
        "import sys, runbooks.documents.rendering.sandbox\n"
        "sys.exit(bool({'markdown', 'markdown_it', 'pygments', 'nh3', 'pymdownx'} & "
        "set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[3]
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60, check=False).returncode
        == 0
    )
