"""Print figures of the code outside the tests: ``python -m tests.house_figures``.

Migrations are left out, and the benchmarks stand apart. Nothing is asserted: a figure is read
beside an earlier one.
"""

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = 100
PARTS = {
    "portal": ["portal"],
    "governance": ["governance"],
    "runbooks": ["runbooks"],
    "all three": ["portal", "governance", "runbooks"],
    "benchmarks": ["benchmarks"],
}
# Modules that only put others together: addresses, apps, settings, packages, commands.
WIRING = frozenset({"__init__.py", "apps.py", "settings.py", "urls.py"})
FIGURES = (
    "files", "lines", "functions", "median lines", "p90 lines", f"code > {COLUMNS}, %",
    f"any > {COLUMNS}", "imports/module", "imported once, %", "serve one other, %",
)  # fmt: skip


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.Module, modules: set[str]) -> set[str]:
    """Return the modules of the project that a module imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules else node.module)
    return found & modules


def code_lines(source: str, tree: ast.Module) -> list[str]:
    """Return the lines that hold code: no blank line, comment or docstring."""
    lines = source.splitlines()
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            first, last = node.lineno - 1, node.end_lineno
            lines[first:last] = [""] * (last - first)
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def function_lengths(tree: ast.Module) -> list[int]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = (node for node in ast.walk(tree) if isinstance(node, functions))
    return [node.end_lineno - node.lineno + 1 for node in found]


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def is_wiring(path: Path) -> bool:
    """Return whether a module only puts others together: it is no reason to merge one into it."""
    return path.name in WIRING or "management" in path.parts


def figures(
    paths: list[Path],
    importers: Counter[str],
    imports: dict[str, set[str]],
    wired: set[str],
) -> list[str]:
    """Return what ``FIGURES`` names, as text."""
    sources = [path.read_text(encoding="utf-8") for path in paths]
    trees = [ast.parse(source) for source in sources]
    lengths = sorted(length for tree in trees for length in function_lengths(tree))
    code = [line for pair in zip(sources, trees, strict=True) for line in code_lines(*pair)]
    lines = [line for source in sources for line in source.splitlines()]
    names = [module_name(path) for path in paths]
    # A package's __init__ and what a framework finds by its name are imported by nobody.
    once = sum(importers[name] == 1 for name in names)
    return [
        str(len(paths)),
        str(len(lines)),
        str(len(lengths)),
        f"{statistics.median(lengths):.0f}",
        str(lengths[len(lengths) * 9 // 10]),
        share(sum(len(line) > COLUMNS for line in code), len(code)),
        str(sum(len(line) > COLUMNS for line in lines)),
        f"{sum(len(imports[name]) for name in names) / len(names):.1f}",
        share(once, len(names)),
        share(sum(importers[name] == 1 and name not in wired for name in names), len(names)),
    ]


def files_of(folders: Iterable[str]) -> list[Path]:
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [path for path in found if "migrations" not in path.parts]


def table() -> str:
    """Return one row for each figure and one column for each part."""
    paths = files_of([*PARTS["all three"], *PARTS["benchmarks"]])
    modules = {module_name(path) for path in paths}
    imports = {
        module_name(path): imported(ast.parse(path.read_text(encoding="utf-8")), modules)
        for path in paths
    }
    importers = Counter(one for found in imports.values() for one in found)
    wired = {one for path in paths if is_wiring(path) for one in imports[module_name(path)]}
    columns = [figures(files_of(folders), importers, imports, wired) for folders in PARTS.values()]
    rows = [("", *PARTS), *zip(FIGURES, *columns, strict=True)]
    return "\n".join(f"{row[0]:18}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
