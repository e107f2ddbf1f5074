"""Compare the portal's rendering with GitHub's own parser, and print the figure.

    .venv/bin/python -m tests.rendering_oracle [FOLDER...]

Takes every ``*.md`` below the folders, the documents of
``tests/runbooks/documents/forge/constructs.py``, and lists and heaps of lines made at random from a
fixed seed. Ends with 1 when one that is not random nests its lists in another way.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from runbooks.documents.rendering.render import render_document
from tests.runbooks.documents.forge.constructs import all_documents
from tests.runbooks.documents.forge.structure import DOCUMENT_PATH, in_the_portal, on_the_forge

SEED, RANDOM_DOCUMENTS, RANDOM_LISTS = 11, 500, 500
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
LINES = (
    *(
        "",
        "",
        "text",
        "more text  ",
        "- a",
        "  - b",
        "    - c",
        "* d",
        "+ e",
        "1. f",
        "2. g",
        "   h",
        "10) i",
        "     - j",
    ),
    *(
        "> k",
        "> - l",
        ">   - m",
        "```",
        "~~~",
        "# n",
        "### o",
        "| p | q |",
        "|---|---|",
        "* * *",
        "---",
        "===",
        "\t- r",
        "-\ts",
    ),
    *(
        "- [ ] t",
        "  - [x] u",
        "      v",
        "    ```",
        "  w",
        " - x",
        "-",
        "1.",
        "**y:**",
        "[z](https://z.example)",
        "`c`",
        "[^1]: n",
    ),
)


def random_lists(number: int, *, seed: int) -> Iterator[str]:
    """Nested lists in which each author indents in their own way, more or less consistently."""
    source = random.Random(seed)
    for _ in range(number):
        step, marks, depth, lines = (
            source.choice((1, 2, 3, 4)),
            source.choice(("-", "*", "1.", "-1.")),
            0,
            [],
        )
        for item in range(source.randint(3, 14)):
            depth = max(0, min(depth + source.choice((-2, -1, 0, 0, 1, 1)), 5)) if item else 0
            slip = source.choice((0, 0, 0, 0, 1, -1))
            mark = source.choice(("-", "1.")) if marks == "-1." else marks
            lines.append(" " * max(0, depth * step + slip) + f"{mark} item {item}")
            if source.random() < 0.2:
                lines.append(
                    source.choice(
                        (
                            "",
                            " " * ((depth + 1) * step) + "goes on",
                            "lazy",
                            "\n" + " " * ((depth + 1) * step) + "apart",
                        )
                    )
                )
        yield "\n".join(lines) + "\n"


def random_heaps(number: int, *, seed: int) -> Iterator[str]:
    """Lines of every sort in any order."""
    source = random.Random(seed)
    for _ in range(number):
        yield "\n".join(source.choice(LINES) for _ in range(source.randint(2, 16))) + "\n"


def documents(folders: list[Path]) -> dict[str, list[str]]:
    """Where they come from -> the documents."""
    named = {
        str(folder): [path.read_text() for path in sorted(folder.rglob("*.md"))]
        for folder in [FIXTURES, *folders]
    }
    return {
        **named,
        **all_documents(),
        "random lists": list(random_lists(RANDOM_LISTS, seed=SEED)),
        "random heaps": list(random_heaps(RANDOM_DOCUMENTS, seed=SEED)),
    }


def compare(family: list[str], render: Callable[[str], str]) -> Counter:
    """How many documents differ in which aspect."""
    found = Counter()
    for text in family:
        found.update(in_the_portal(render(text)).differences(on_the_forge(text)))
    return found


def as_documents_are(text: str) -> str:
    """The portal's HTML of a document."""
    return render_document(text, document_path=DOCUMENT_PATH).html


def report(folders: list[Path], render: Callable[[str], str] = as_documents_are) -> int:
    """Print a line for each family and the total.

    Return how many that are not random differ in the depths of their items.
    """
    total, wrong, random_ones, aspects = 0, 0, 0, Counter()
    for name, family in documents(folders).items():
        found = compare(family, render)
        random_ones += found["depths"] if name.startswith("random") else 0
        total, wrong, aspects = total + len(family), wrong + found["depths"], aspects + found
        differing = (
            ", ".join(f"{aspect} {number}" for aspect, number in found.most_common()) or "nothing"
        )
        same = len(family) - found["depths"]
        sys.stdout.write(
            f"{name}: depths as on the forge in {same} of {len(family)}; differs: {differing}\n"
        )
    sys.stdout.write(
        f"\nDepths of list items as on the forge: {total - wrong} of {total} documents\n"
    )
    for aspect, number in aspects.most_common():
        sys.stdout.write(f"  {aspect} differs in {number}\n")
    return wrong - random_ones


if __name__ == "__main__":
    sys.exit(1 if report([Path(folder) for folder in sys.argv[1:]]) else 0)
