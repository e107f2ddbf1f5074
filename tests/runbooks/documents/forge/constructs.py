"""Our own documents for each construct in runbooks, as families: a pattern and its variants."""

from itertools import product

BULLETS = ("-", "*", "+")
INDENTS = (1, 2, 3, 4)
COMMAND = "systemctl stop feed\njournalctl -u feed --since today"


def all_documents() -> dict[str, list[str]]:
    """Family -> its documents."""
    return {
        "nested bullets": _nested_bullets(),
        "nested numbers": _nested_numbers(),
        "mixed lists": _mixed(),
        "lists behind text": _behind_text(),
        "loose and tight": _loose(),
        "code in lists": _code_in_lists(),
        "tables": _tables(),
        "quotes": _quotes(),
        "tasks": _tasks(),
        "wrapped items": _wrapped(),
        "numbers": _numbers(),
        "headings": _headings(),
        "tabs": _tabs(),
        "code": _code(),
        "emphasis and links": _inline(),
        "footnotes": _footnotes(),
        "placeholders": _placeholders(),
    }


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line else line for line in text.split("\n"))


def _nested_bullets() -> list[str]:
    three = [
        f"{mark} Stop\n{' ' * first}{mark} the feed\n{' ' * second}{mark} and its timer\n"
        f"{' ' * first}{mark} the writer\n{mark} Look\n"
        for mark, first, second in product(BULLETS, (1, 2, 3, 4, 5), (2, 4, 5, 6, 8))
    ]
    back = [
        f"- a\n{' ' * deep}- b\n{' ' * less}- c\n- d\n"
        for deep, less in product((2, 3, 4, 6), (0, 1, 2, 3))
    ]
    changed = [
        f"{one} a\n{two} b\n  {three_} c\n{one} d\n"
        for one, two, three_ in product(BULLETS, repeat=3)
    ]
    return three + back + changed


def _nested_numbers() -> list[str]:
    return [
        (
            f"{start}{dot} Stop\n{' ' * indent}1{dot} the feed\n{' ' * (2 * indent)}1{dot} its "
            f"timer\n{start + 1}{dot} Look\n"
        )
        for start, dot, indent in product((1, 2, 9, 10, 99), (".", ")"), (1, 2, 3, 4, 5))
    ]


def _mixed() -> list[str]:
    return [
        f"1. Stop\n{' ' * indent}{mark} feed\n{' ' * indent}{mark} writer\n\n2. "
        f"Look\n{' ' * indent}{mark} log\n"
        f"{' ' * (indent + deeper)}1. newest first\n{mark} apart\n"
        for mark, indent, deeper in product(BULLETS, INDENTS, (2, 3, 4))
    ] + [f"{mark} a\n1. one\n2. two\n{mark} b\n" for mark in BULLETS]


def _behind_text() -> list[str]:
    openings = (
        "Then do this:",
        "**Then:**",
        "## Then",
        "Then:\\",
        "| a |",
        "> Mind:",
        "---",
        "Then  ",
    )
    lists = (
        "- one\n- two",
        "1. one\n2. two",
        "2. two\n3. three",
        "* one\n  * two",
        "+ one",
        "-\n- two",
        "10. ten",
    )
    gaps = ("\n", "\n\n")
    return [
        f"{opening}{gap}{items}\n\nThe end.\n"
        for opening, gap, items in product(openings, gaps, lists)
    ]


def _loose() -> list[str]:
    return [
        f"{mark} a{gap}{' ' * indent}{inner} b{gap}{' ' * indent}{inner} c{gap}{mark} d\n"
        for mark, gap, indent, inner in product(
            ("-", "1."), ("\n", "\n\n", "\n\n\n"), (2, 3, 4), ("-", "1.")
        )
    ] + [
        f"{mark} a\n\n{' ' * indent}goes on\n\n{mark} b\n\n{' ' * indent}> quoted\n"
        for mark, indent in product(("-", "1."), (1, 2, 3, 4))
    ]


def _code_in_lists() -> list[str]:
    fences = ("```", "~~~", "```bash", "````sh title")
    return [
        f"{mark} Stop it.{gap}{_fenced(fence, indent)}{gap}{' ' * indent}Then:\n{mark} Look.\n"
        for mark, gap, fence, indent in product(
            ("-", "1.", "10."), ("\n", "\n\n"), fences, (0, 2, 3, 4)
        )
    ] + [
        f"{mark} Stop it.\n\n{_indented(COMMAND, indent)}\n\n{mark} Look.\n"
        for mark, indent in product(("-", "1."), (4, 5, 6, 7, 8))
    ]


def _fenced(fence: str, indent: int) -> str:
    closing = fence[0] * (len(fence) - len(fence.lstrip(fence[0])))
    return _indented(f"{fence}\n{COMMAND}\n{closing}", indent)


def _tables() -> list[str]:
    plain = "| step | who |\n|---|:-:|\n| stop | desk |\n| look `a|b` | x \\| y |\n"
    shapes = [
        plain,
        "step | who\n--- | ---\nstop | desk\n",
        "|a|\n|-|\n|b|\n",
        "| a | b |\n|---|\n| c | d |\n",
        "| a | b |\n|---|---|\n| c |\n| d | e | f |\n",
        "| a |\n| - |\n| - b |\n| **c** [d](https://a.example) |\n",
        "| a | b |\n| :-- | --: |\n|  | `x` |\nNo pipe\n\nBehind.\n",
        "| a |\nno delimiter\n",
    ]
    around = (
        "{}",
        "Before:\n\n{}",
        "Before:\n{}",
        "{}\nBehind.\n",
        "{}- list\n",
        "## Title\n{}",
        "{}# Title\n",
    )
    documents = [place.replace("{}", table) for place, table in product(around, shapes)]
    for indent, mark in product((2, 3, 4), ("-", "1.")):
        documents.append(f"{mark} Look:\n\n{_indented(plain, indent)}\n{mark} Act.\n")
        documents.append(f"{mark} Look:\n{_indented(plain, indent)}{mark} Act.\n")
    return [*documents, "> " + plain.replace("\n", "\n> ")]


def _quotes() -> list[str]:
    inner = (
        "- a\n- b\n  - c",
        "1. a\n   - b\n2. c",
        "Mind:\n- a",
        "```\nx\n  y\n```",
        "## Title\n- a",
        "a\n\nb",
        "> deeper\n- a",
        "- a\n  > deep\n- b",
    )
    quoted = ["> " + text.replace("\n", "\n> ") + "\n" for text in inner]
    tight = [">" + text.replace("\n", "\n>") + "\n" for text in inner]
    lazy = [
        "> - a\nb\n> - c\n",
        "> a\nb\n- c\n",
        "> a\n> - b\nc\n- d\n",
        "> ```\nx\n```\n",
        ">a\n\n>b\n",
    ]
    in_list = [
        f"{mark} Mind:\n{' ' * indent}> "
        + text.replace("\n", f"\n{' ' * indent}> ")
        + f"\n{mark} Go on.\n"
        for mark, indent, text in product(("-", "1."), (2, 3, 4), inner[:4])
    ]
    return quoted + tight + lazy + in_list


def _tasks() -> list[str]:
    return [
        f"{mark} [ ] look\n{' ' * indent}{mark} [x] log\n{' ' * indent}{mark} [X] graph `a`\n"
        f"{mark} [ ] **act**\n{mark} [] no task\n"
        for mark, indent in product((*BULLETS, "1."), INDENTS)
    ] + [
        "- [ ]\n- [x]\n",
        "- [ ] a\n\n- [x] b\n\n  more\n",
        "- [ ](https://a.example) no\n",
        "[ ] no list\n",
        "-  [ ] wide\n",
    ]


def _wrapped() -> list[str]:
    return [
        f"{mark} The first line of a step\n{' ' * hang}that goes on here\n{' ' * hang}and here.\n"
        f"{mark} The second\n{' ' * nested}- with a part\n{' ' * hang}lazy line\n"
        for mark, hang, nested in product(("-", "*", "1.", "10."), (0, 1, 2, 3, 4, 6), (2, 3, 4))
    ] + ["- a  \n  b\n- c\\\n  d\n"]


def _numbers() -> list[str]:
    return [
        "1. a\n1. b\n1. c\n",
        "3. a\n7. b\n",
        "0. a\n1. b\n",
        "1. a\n2) b\n3. c\n",
        "1. a\n\n\n2. b\n",
        "1. a\n\n---\n\n2. b\n",
        "1. a\n\ntext\n\n2. b\n",
        "1. a\n```\nx\n```\n2. b\n",
        "text\n2. no list\n",
        "text\n1. list\n",
        "1.no list\n",
        "1234567890. no list\n",
        "2026. a year\n",
        "-1. no\n",
        "1.   wide\n2.   wide\n\n     inside\n",
        "1.      code\n",
    ]


def _headings() -> list[str]:
    titles = (
        "Steps",
        "`run` now",
        "**Stop** it",
        "Go/No-Go 2026",
        "Über uns",
        "R&D",
        "a_b",
        "1. First",
        "Steps #",
        "Steps ##",
    )
    levels = ("#", "##", "###", "######", "#######")
    documents = [f"{level} {title}\n\ntext\n" for level, title in product(levels, titles)]
    documents += [f"- a\n- b\n{level} Title\n- c\n" for level in levels[:3]]
    documents += [f"{' ' * indent}## Title\ntext\n" for indent in range(5)]
    return [
        *documents,
        "Title\n===\n\nPart\n---\n",
        "a\nb\n---\n",
        "- a\n---\n- b\n",
        "#no\n",
        "# \n",
        "- # in list\n  ## part\n",
        "a\n# b\nc\n",
    ]


def _tabs() -> list[str]:
    return [
        "-\ta\n-\tb\n",
        "- a\n\t- b\n\t\t- c\n",
        "1.\ta\n\t- b\n2.\tc\n",
        "- a\n\n\tgoes on\n",
        "- a\n\n\t\tcode\n",
        "\tcode\n\t\tmore\n",
        "```make\nall:\n\techo x\n```\n",
        "- a\n\t```\n\tx\n\t\ty\n\t```\n",
        ">\tquoted\n>\t- a\n",
        "*\t*\t*\t\n",
        "#\tTitle\n",
        "- a\n \t- b\n",
    ]


def _code() -> list[str]:
    drawing = (
        "+----+     +----+\n| in | --> | out|\n+----+     +----+\n    \\        /\n     v      v\n"
    )
    inside = (
        COMMAND,
        drawing,
        "# no heading\n- no list",
        "<run_id>",
        "",
        "\n\nx\n\n",
        "a `b` ``c``",
        "x  \ny\t z",
        "::1 localhost",
        "&amp; &lt;",
    )
    languages = ("", "bash", "python", "json", "yaml", "text", "nosuch", "console", "diff", "sql")
    documents = [
        f"```{language}\n{code}\n```\n\nBehind.\n" for language, code in product(languages, inside)
    ]
    documents += [f"{_indented(code, 4)}\n\nBehind.\n" for code in inside]
    return [
        *documents,
        "```\nnever closed\n",
        "````\n```\nx\n```\n````\n",
        "  ```\n  x\n   y\n ```\n",
        "text\n    no code\n",
        "`a` ``b ` c`` ` `` `\n",
        "```a`b\nno fence\n",
        drawing,
    ]


def _inline() -> list[str]:
    return [
        "*a* **b** ***c*** _d_ __e__ ~~f~~ ~g~\n",
        "snake_case_name and *not*this* and 2*3*4\n",
        "**bold:**text and **„quoted“**word\n",
        (
            "[a](https://a.example) <https://b.example> [c][d] [d] [e](<f g.md> 'title')\n\n[d]: "
            "https://d.example\n"
        ),
        "https://a.example/x_y, (https://b.example/c(d)) www.c.example. desk@d.example\n",
        "http://localhost:8000/x and https://a.example/?q=1&r=<x>\n",
        "a\\*b \\[c\\] \\`d\\` \\<e\\>\n",
        "&copy; &#47; &amp;lt; &nosuch;\n",
        "line  \nbreak\\\nbreak\n",
        "[a [b](https://b.example) c](https://a.example)\n",
        "[a](not a link) [b](c.md#d) [e](#f) [g](/h/i.md)\n",
        "✅ done, ⚠️ mind, 🚨 stop\n",
    ]


def _footnotes() -> list[str]:
    return [
        "Stop it[^1] now[^two].\n\n[^1]: The feed.\n[^two]: *Today*.\n",
        "Twice[^1] the same[^1].\n\n[^1]: Note.\n",
        "- item[^1]\n\n[^1]: Note.\n\n    More of it.\n",
        "None[^1].\n",
    ]


def _placeholders() -> list[str]:
    return [
        "run <run_id> now\n\n- <a>\n  - b <c>\n",
        "Call `desk <name>` and <PID>.\n",
        "<run_id>\n- no list here\n\n- a list\n",
        "<details>\n<summary>More</summary>\n\n- a\n  - b\n\n</details>\n\n- c\n",
        "a<br>b\n\n| a |\n|-|\n| b<br>c |\n",
        "<!-- a note\n- no list\n-->\n\n- a\n",
        "<div>\n- no list\n</div>\n\n- a\n",
        "- <x>\n- <y z>\n",
    ]
