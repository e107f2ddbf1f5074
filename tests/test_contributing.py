"""The table "to change X, touch these" of CONTRIBUTING: a place that is forgotten is named.

Each test below walks the places of one row. It fails with the places and what they lack. Rows whose
places are held elsewhere name that test.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.management import get_commands
from django.urls import get_resolver

from governance.admin.runbooks import RunbookAdmin
from governance.findings.choices import FindingKind
from governance.guards import rules
from governance.guards.role import ADDED_TO
from governance.ledger import registry
from governance.ledger.registry import registration_of
from governance.post_migrate import DEFAULT_SIGNATURES
from governance.signoff import transitions
from governance.signoff.models import SignOffRule
from portal.env import LANGUAGES, READ_BY_RUN_PY, VARIABLES
from portal.rest.fields import RunbookNowSerializer
from runbooks.choices import ReadinessLevel
from runbooks.landscape.parse.cells import LEVEL_TEXTS
from runbooks.landscape.parse.notices import NoticeKind
from runbooks.landscape.parse.tables import TABLES
from runbooks.models import Runbook
from runbooks.models.search import DERIVED
from runbooks.search.databases import DIALECTS
from tests import cast

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("portal", "governance", "runbooks")


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def sources(*, beside: str = "") -> str:
    """Return all code of the three packages, but for one file."""
    paths = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]
    return "\n".join(
        path.read_text(encoding="utf-8")
        for path in paths
        if "migrations" not in path.parts and path != ROOT / beside
    )


def lacking(wanted: Iterable[str], places: dict[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return what each place lacks, by place; empty where every place is complete."""
    found = {place: sorted(set(wanted) - set(known)) for place, known in places.items()}
    return {place: members for place, members in found.items() if members}


def words_of(path: str) -> set[str]:
    return set(re.findall(r"\w+", text(path)))


# ---- the table itself


def rows() -> list[tuple[str, str, str]]:
    """Return what changes, the places, and the tests of each row."""
    table = text("CONTRIBUTING.md").partition("| to change | touch | held by |\n|---|---|---|\n")[2]
    lines = table.partition("\n\n")[0].splitlines()
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]


def names_of_tests() -> set[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in ROOT.glob("tests/**/*.py"))
    return {
        node.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_path_of_the_table_is_there():
    named = {
        path for _, places, _ in rows() for path in re.findall(r"`([\w/]+[./][\w./]*)`", places)
    }
    assert len(named) > 50
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_every_row_of_the_table_names_tests_that_are_there():
    held = {what: re.findall(r"`(\w+)`", tests) for what, _, tests in rows()}
    assert {what for what, tests in held.items() if not tests} == set()
    assert {name for tests in held.values() for name in tests} - names_of_tests() == set()


def test_every_walk_below_stands_in_the_table():
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    walks = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and re.match("test_every_.*|test_each_.*", node.name)
    }
    named = {name for *_, tests in rows() for name in re.findall(r"`(\w+)`", tests)}
    about_the_table = {name for name in walks if name.endswith(("_table", "_that_are_there"))}
    assert walks - named - about_the_table - {"test_every_path_of_the_table_is_there"} == set()


# ---- the catalogue


def test_every_level_is_known_everywhere():
    """``ready`` has a year, so that its texts and its badge are made elsewhere."""
    levels = set(ReadinessLevel.values)
    tables = {target for table in (transitions.UP, transitions.DOWN) for target in table}
    assert (
        lacking(
            levels,
            {
                "governance/signoff/transitions.py": tables,
                "governance/post_migrate.py": {*DEFAULT_SIGNATURES, "retired"},
                "runbooks/landscape/parse/cells.py": {*LEVEL_TEXTS, "ready"},
                "portal/static/portal/components.css": {
                    *re.findall(r"\.is-(\w+)", text("portal/static/portal/components.css")),
                    "ready",
                },
                "templates/components/level_meaning.html": re.findall(
                    r'level == "(\w+)"', text("templates/components/level_meaning.html")
                ),
                "templates/components/legend.html": {
                    *re.findall(r"is-(\w+)", text("templates/components/legend.html")),
                    "ready",
                },
                "docs/readiness.md": re.findall(
                    r"^\| `(\w+)` \|", text("docs/readiness.md"), re.MULTILINE
                ),
            },
        )
        == {}
    )


# Fields of a runbook that a place leaves out on purpose. A new field stands in neither set, so that
# the test below asks for it.
KEYS = {"id", "document"}
NOT_IN_REST = {"position", "declared_text", "signed_from_year", "signed_metadata_sha256"}
SHOWN_TOGETHER = {  # by the admin, in one line with others
    "declared_level", "declared_text", "declared_year", "readiness_level", "readiness_year",
    "signed_dependence", "signed_document_sha256", "signed_from_year", "signed_metadata_sha256",
    "signed_solo", "signed_until",
}  # fmt: skip
NOT_SIGNED = {"slug", "owner", "escalation_contact", "position"}


def fields_of_runbook() -> set[str]:
    found = (field for field in Runbook._meta.get_fields() if field.concrete)
    return {field.name for field in found} - KEYS


def test_every_field_of_a_runbook_is_shown_and_recorded(people):
    fields = fields_of_runbook()
    in_admin = {name for _, options in RunbookAdmin.fieldsets for name in options["fields"]}
    signed = set(cast.make_runbook("Pump").governed_metadata())
    outside = {name for name in fields if name.startswith(("signed_", "readiness_", "declared_"))}
    recorded = fields - registration_of(Runbook).exclude
    assert (
        lacking(
            fields,
            {
                "portal/rest/fields.py": {*RunbookNowSerializer().fields, *NOT_IN_REST},
                "governance/admin/runbooks.py": in_admin | SHOWN_TOGETHER,
                "governance/editing/catalogue_models.py": recorded,
                "Runbook.governed_metadata": signed | NOT_SIGNED | outside,
            },
        )
        == {}
    )


def test_every_column_of_the_landscape_is_documented():
    headers = {
        f"{kind}: {column.name}": {header.strip("* ") for header in column.headers}
        for kind, columns in TABLES.items()
        for column in columns
    }
    told = text("docs/landscape_format.md").lower()
    known = {name for name, words in headers.items() if any(word in told for word in words)}
    assert lacking(headers, {"docs/landscape_format.md": known}) == {}


def test_every_notice_of_the_parser_is_a_kind_of_finding():
    notices = {kind.value for kind in NoticeKind}
    assert lacking(notices, {"governance/findings/choices.py": FindingKind.values}) == {}


def test_every_model_of_the_catalogue_is_recorded_and_in_the_admin():
    """Rows of the search are derived. A part of an object is edited with the object."""
    derived = {"SearchSynonym", *(model.__name__ for model in DERIVED)}
    models = {model.__name__: model for model in apps.get_app_config("runbooks").get_models()}
    registered = {model.__name__ for model in registry._registered}
    parts = {
        model._meta.get_field(child).related_model.__name__
        for model in models.values()
        for child in registration_of(model).children
    }
    in_admin = {model.__name__ for model in admin.site._registry}
    assert (
        lacking(
            models.keys() - derived,
            {
                "governance/editing/catalogue_models.py": registered | parts,
                "governance/admin/": in_admin | parts,
            },
        )
        == {}
    )


# ---- changes


def test_every_level_that_is_signed_has_a_default_rule():
    signed = {target for targets in transitions.UP.values() for target in targets}
    assert lacking(signed, {"governance/post_migrate.py": DEFAULT_SIGNATURES}) == {}


# What a rule asks of the signatures, by the name that the request pins it under.
PINNED = {"required_signatures": "required_signatures", "separate_from_requester": "independent"}
# What a rule asks before there are signatures, or says of itself.
NOT_OF_THE_QUORUM = {
    "id", "target_level", "purpose", "version", "group", "evidence_required", "valid_days",
    "in_force", "effective_from",
}  # fmt: skip


def test_every_part_of_the_quorum_rule_is_checked_everywhere():
    fields = {field.name for field in SignOffRule._meta.concrete_fields}
    assert fields - NOT_OF_THE_QUORUM == PINNED.keys()
    places = (
        "governance/signoff/requests.py",
        "governance/guards/rules.py",
        "governance/assurance/evidence.py",
        "docs/verify_proof.py",
    )
    assert lacking(PINNED.values(), {place: words_of(place) for place in places}) == {}


def test_every_finding_kind_is_found_by_a_check():
    """By its name, or by its value where the pure parser gives it."""
    code = sources(beside="governance/findings/choices.py")
    by_name = set(re.findall(r"FindingKind\.([A-Z_]+)", code))
    values = {kind.value for kind in NoticeKind} | disagreements()
    found = {kind.value for kind in FindingKind if kind.name in by_name or kind.value in values}
    explained = re.findall(r"^\| `(\w+)` \|", text("docs/findings.md"), re.MULTILINE)
    places = {"a check in governance/findings/": found, "docs/findings.md": explained}
    assert lacking(FindingKind.values, places) == {}


def disagreements() -> set[str]:
    from runbooks.documents.checks.header_mismatch import DisagreementKind

    return {kind.value for kind in DisagreementKind}


def test_every_document_check_is_run():
    checks = {path.stem for path in (ROOT / "runbooks/documents/checks").glob("[!_]*.py")}
    run = set(re.findall(r"runbooks\.documents\.checks\.(\w+) import", "\n".join(
        text(f"governance/findings/{name}.py") for name in ("source_checks", "catalogue_checks")
    )))  # fmt: skip
    assert lacking(checks, {"governance/findings/": run}) == {}


def test_every_table_that_only_grows_is_kept_from_the_role():
    """What a guard refuses without a condition, the role of PostgreSQL is not granted either."""
    guarded = {
        table
        for _, moment, table, condition, _ in rules.GUARDS
        if condition == rules.ALWAYS and moment == "BEFORE DELETE"
    }
    assert len(guarded) > 3
    places = {
        "governance/guards/role.py": ADDED_TO,
        "docs/postgresql_role.sql": words_of("docs/postgresql_role.sql"),
    }
    assert lacking(guarded, places) == {}


def test_every_email_has_a_template_and_a_sender():
    templates = {path.name for path in (ROOT / "templates/governance/mail").iterdir()}
    named = set(re.findall(r"governance/mail/([\w.]+)", sources()))
    assert lacking(templates, {"governance/": named}) == {}
    assert lacking(named, {"templates/governance/mail/": templates}) == {}
    # Only these two send; what they send is not sent while a lock is held.
    senders = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*.py")
        if re.search(r"EmailMessage\(|send_mail\(|mail_admins\(", path.read_text(encoding="utf-8"))
    }
    assert senders == {"governance/mail.py", "governance/assurance/reminders.py"}


# ---- pages and addresses


def test_every_report_is_linked_from_the_others():
    patterns = get_resolver("portal.pages.urls").url_patterns
    reports = {one.name for one in patterns if str(one.pattern).startswith("reports/")}
    assert len(reports) >= 3
    linked = re.findall(r"url '([\w-]+)'", text("templates/components/report_links.html"))
    assert lacking(reports, {"templates/components/report_links.html": linked}) == {}


# Django finds these by their names.
FOUND_BY_NAME = {"400.html", "403.html", "403_csrf.html", "404.html", "500.html"}


def test_every_template_is_shown_by_a_page():
    folder = ROOT / "templates"
    templates = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}
    shown = sources() + "\n".join(path.read_text("utf-8") for path in folder.rglob("*.*"))
    named = {name for name in templates if name in shown or name.startswith("admin/")}
    assert lacking(templates, {"portal/pages/": named | FOUND_BY_NAME}) == {}


def test_every_view_has_an_address():
    """A view is a function of a request, or a class that is made from one of the framework's views.

    Its name stands in an ``urls`` module, or another view hands the request on to it.
    """
    views = set()
    for path in sorted((ROOT / "portal/pages").glob("[!_]*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                arguments, returns = node.args.args, ast.unparse(node.returns or ast.Constant(""))
                if arguments and arguments[0].arg == "request" and "Response" in returns:
                    views.add(node.name)
            elif isinstance(node, ast.ClassDef) and any(
                ast.unparse(base).endswith("View") for base in node.bases
            ):
                views.add(node.name)
    assert len(views) > 10
    assert lacking(views, {"portal/pages/urls.py": names_in_use("portal")}) == {}


def names_in_use(package: str) -> set[str]:
    """Return every name that the code of a package uses; to import or to define one is no use."""
    paths = (ROOT / package).rglob("*.py")
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in nodes
        if isinstance(node, ast.Name | ast.Attribute)
    }


# ---- the installation


def test_every_search_backend_gives_the_whole_interface():
    folder = ROOT / "runbooks/search/databases"
    modules = {path.stem for path in folder.glob("[!_]*.py")}
    assert lacking(modules, {"DIALECTS": DIALECTS}) == {}
    interface = {"CREATE", "REMOVE", "standing", "intact", "lock", "matching", "holding", "rows"}
    places = {f"runbooks/search/databases/{name}.py": dir(DIALECTS[name]) for name in DIALECTS}
    assert lacking(interface, places) == {}
    guards = {path.stem for path in (ROOT / "governance/guards").glob("[!_]*.py")}
    assert lacking(DIALECTS, {"governance/guards/": guards}) == {}


def test_every_setting_is_in_the_readme_and_in_use():
    table = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \|", text("README.md"), re.MULTILINE)
    told = set(re.findall(r"`([A-Z_]+)`", " ".join(table)))
    # PORTAL_DEMO is set by run.py alone.
    names = set(VARIABLES.values()) - {"PORTAL_DEMO"}
    assert lacking(names | READ_BY_RUN_PY, {"README.md": told}) == {}
    assert lacking(told, {"portal/env.py": names | READ_BY_RUN_PY}) == {}
    used = set(re.findall(r"ENVIRONMENT\.(\w+)", text("portal/settings.py")))
    assert lacking(VARIABLES, {"portal/settings.py": used}) == {}


def test_every_language_is_offered_and_translated():
    translated = {path.parts[-3] for path in (ROOT / "portal/locale").glob("*/LC_MESSAGES/*.mo")}
    offered = {code for code, _ in settings.LANGUAGES}
    places = {"portal/settings.py": offered, "portal/locale/": {*translated, "en"}}
    assert lacking(LANGUAGES, places) == {}
    assert lacking(offered | translated, {"portal/env.py": LANGUAGES}) == {}


def test_every_command_is_documented():
    ours = {name for name, app in get_commands().items() if app in PACKAGES}
    told = "\n".join(
        path.read_text("utf-8") for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    )
    documented = re.findall(r"(?<=manage\.py )\w+|(?<=`)\w+(?=[` ])", told)
    # `run.py demo` runs seed_demo.
    assert lacking(ours - {"seed_demo"}, {"docs/operations.md": documented}) == {}
