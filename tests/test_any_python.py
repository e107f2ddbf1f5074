"""The code means the same on every Python from 3.11.0 to 3.14, including 3.11.2 of Debian 12."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from runbooks.landscape.parse.sections import _without_margin

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("runbooks", "governance", "portal", "docs", "benchmarks")
SOURCES = [
    ROOT / "run.py",
    *(path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py"))),
]


def texts_of(source):
    """Every string in a source with its line, except docstrings; of an f-string the fixed parts."""
    tree = ast.parse(source)
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, holders) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str | bytes)
            and id(node) not in docstrings
        ):
            yield (
                node.lineno,
                node.value if isinstance(node.value, str) else node.value.decode("latin-1"),
            )


def possessive(pattern):
    """Whether a text, read as a regular expression, has a possessive quantifier or an atomic group.

    Python 3.11.2 matches some of them wrongly: an optional prefix of quote marks hid ``>>>>>>>
    end``.
    """
    place, quantified = 0, False
    while place < len(pattern):
        sign = pattern[place]
        if pattern.startswith("(?>", place) or (sign == "+" and quantified):
            return True
        quantified = sign in "*+?}" and place > 0
        if sign == "\\":
            place += 1
        elif sign == "[":
            place = max(
                pattern.find("]", place + 2 + (pattern[place + 1 : place + 2] == "^")), place
            )
        place += 1
    return False


@pytest.mark.parametrize(
    "pattern", ["a*+", "`++b", "(x)?+", "a{2,}+", "(?>a)", "[]+]*+", r"\++a++"]
)
def test_a_possessive_quantifier_is_recognised(pattern):
    assert possessive(pattern)


@pytest.mark.parametrize(
    "pattern", ["a+", r"a\*+", "[*+]", "[-*+]+", "[^]*+]", "a+?", "x+ +", r"\d+\+"]
)
def test_an_ordinary_quantifier_is_none(pattern):
    assert not possessive(pattern)


def test_no_pattern_needs_a_possessive_quantifier_or_an_atomic_group():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in SOURCES
        for line, text in texts_of(path.read_text(encoding="utf-8"))
        if possessive(text)
    ]
    assert len(SOURCES) > 100
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "  a\n   b",
        "\ta\n\t b",
        " a\n\tb",
        "  a\n \n  b",
        "a\n  b",
        "  \n\t\n",
        "",
        "    * a\n      * b\n\n    c",
    ],
)
def test_the_margin_of_a_text_is_what_textwrap_takes_away(text):
    assert "\n".join(_without_margin(text.split("\n"))) == textwrap.dedent(text)


def test_a_line_of_other_white_space_is_a_text():
    assert _without_margin(["  a", "  \u00a0", "  b"]) == ["a", "\u00a0", "b"]


# ---- no text takes long

HOSTILE = """
import sys, time
sys.path.insert(0, {root!r})
from runbooks.landscape.parse import cells, conflicts, paths, row_lines
long = 200_000
texts = ["> " * long, " \\t" * long + ">", ">" * long, ("> " + " " * 50) * (long // 50),
         "=" * long + "x", "`" * long, "`a" * long, "`" + "a" * long,
         ("`" * 30 + "x") * (long // 30), "[a](" * long, "[](" + "(a)" * long]
began = time.process_time()
for text in texts:
    conflicts.read_marker(text)
    row_lines.MARKS_IN_FRONT.sub("", text, count=1)
    for pattern in (cells.INLINE, cells.LINES, cells.CODE_SPAN, cells.LINK, paths.PATH):
        list(pattern.finditer(text))
print(time.process_time() - began)
"""


def test_hostile_lines_are_read_in_time_proportional_to_their_length():
    script = HOSTILE.format(root=str(ROOT))
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    # Quadratic time would be minutes.
    assert float(answer.stdout) < 20
