"""The environment, read once and typed. A wrong value fails with a sentence that says what to set.

The names are those of the README's table; nothing else in the project reads ``os.environ``.
"""

import difflib
import os
import re
import secrets
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from portal.connection_urls import FALSE_WORDS, TRUE_WORDS, read_cache, read_database, read_email

READ_MODES = ("login", "public")
LANGUAGES = ("en", "de")
MIN_KEY_LENGTH = 16
MAX_SHOWN = 80
# A host as a request may name it: no scheme, no port, no path. ``*`` is any, ``.example`` any
# below.
HOST = re.compile(r"\*|\.?[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.IGNORECASE)
ORIGIN_HOST = re.compile(
    r"(\*\.)?[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?"
)
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
# Variables that begin like this are the portal's. One that nothing reads is a misspelling or a
# setting of something else, and is reported by the system check ``portal.W001``.
PREFIXES = (
    "ALLOWED_",
    "AXES_",
    "CACHE_",
    "CHECKPOINT_",
    "CSRF_",
    "DATABASE_",
    "DEFAULT_FROM_",
    "DOCS_",
    "EMAIL_",
    "GOVERNANCE_",
    "LEDGER_",
    "PORTAL_",
    "SIGNING_",
    "TRUSTED_",
)
READ_BY_RUN_PY = frozenset({"BIND"})
ALIKE = 0.85  # difflib's ratio: one letter lost, doubled or exchanged in a name of this length


@dataclass(frozen=True, slots=True)
class Environment:
    """Every setting that comes from outside, already checked."""

    secret_key: str
    database: dict[str, Any]
    cache: dict[str, Any]
    email: dict[str, Any]
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    debug: bool
    demo: bool
    portal_read: Literal["login", "public"]
    docs_root: str
    docs_ref: str
    governance_solo: bool
    signing_cool_down_hours: int
    checkpoint_key: str
    ledger_mark: str
    portal_url: str
    time_zone: str
    language_code: str
    default_from_email: str
    trusted_proxies: int
    unread: tuple[str, ...]


class Variables(Mapping[str, str]):
    """The environment's variables, which remember the names that were asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set(READ_BY_RUN_PY)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def unread(self) -> tuple[str, ...]:
        """Return, sorted, the names that look like the portal's and that nothing has asked for."""
        return tuple(
            sorted(name for name in self if name not in self.asked and self._looks_like_ours(name))
        )

    def _looks_like_ours(self, name: str) -> bool:
        return name.startswith(PREFIXES) or bool(
            difflib.get_close_matches(name, self.asked, n=1, cutoff=ALIKE)
        )


def read_environment(values: Mapping[str, str], *, var: Path) -> Environment:
    """Read and check every variable.

    :param values: the environment, usually ``os.environ``.
    :param var: the folder for files that the portal makes (SQLite database, generated key).
    :raises ImproperlyConfigured: a value cannot be used; the message names the variable and says
        what to set.
    """
    values = Variables(values)
    settings = _settings(values, var)
    return Environment(**settings, unread=values.unread())


def _settings(values: Mapping[str, str], var: Path) -> dict[str, Any]:
    """Return every field of ``Environment`` that is read from a variable."""
    docs_root, docs_ref = _documents(values)
    return {
        "database": _database(values, var),
        "cache": read_cache(_text(values, "CACHE_URL") or "locmemcache://"),
        "email": _email(values),
        "allowed_hosts": _hosts(values),
        "csrf_trusted_origins": _origins(values),
        "debug": _flag(values, "DEBUG"),
        "demo": _flag(values, "PORTAL_DEMO"),
        "portal_read": cast(Literal["login", "public"], _one_of(values, "PORTAL_READ", READ_MODES)),
        "docs_root": docs_root,
        "docs_ref": docs_ref,
        "governance_solo": _flag(values, "GOVERNANCE_SOLO"),
        "signing_cool_down_hours": _whole_number(
            values, "SIGNING_COOL_DOWN_HOURS", default=24, most=24 * 365
        ),
        "checkpoint_key": _checkpoint_key(values),
        "ledger_mark": _ledger_mark(values),
        "portal_url": _portal_url(values),
        "time_zone": _time_zone(values),
        "language_code": _one_of(values, "LANGUAGE_CODE", LANGUAGES),
        "default_from_email": _sender(values),
        "trusted_proxies": _whole_number(values, "TRUSTED_PROXIES", default=0, most=10),
        # Last: it may write a file, which no refused start should leave behind.
        "secret_key": _text(values, "SECRET_KEY") or _generated_secret_key(var),
    }


def _text(values: Mapping[str, str], name: str) -> str:
    """Return the value without blanks around it; empty where it is not set."""
    return values.get(name, "").strip()


def _shown(value: str) -> str:
    """Return a value as an error may repeat it: shortened, and hidden if it may hold a password."""
    if "@" in value:
        return "(a value with an @)"
    return repr(value if len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…")


def _flag(values: Mapping[str, str], name: str) -> bool:
    word = _text(values, name)
    if word.lower() in TRUE_WORDS:
        return True
    if word.lower() in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(
        f"{name}={_shown(word)} is neither yes nor no. Set {name}=1 or {name}=0."
    )


def _whole_number(
    values: Mapping[str, str], name: str, *, default: int, most: int, least: int = 0
) -> int:
    word = _text(values, name)
    if not word:
        return default
    is_number = word.isascii() and word.isdecimal() and len(word) <= len(str(most))
    if not (is_number and least <= int(word) <= most):
        raise ImproperlyConfigured(
            f"{name}={_shown(word)} is not a whole number from {least} to {most}. Set "
            f"{name}={default}."
        )
    return int(word)


def _documents(values: Mapping[str, str]) -> tuple[str, str]:
    root, ref = _text(values, "DOCS_ROOT"), _text(values, "DOCS_REF")
    if ref and not root:
        raise ImproperlyConfigured(
            f"DOCS_REF={_shown(ref)} has no effect without a repository. Set DOCS_ROOT, or "
            "unset DOCS_REF."
        )
    return root, ref


def _email(values: Mapping[str, str]) -> dict[str, Any]:
    timeout = _whole_number(values, "EMAIL_TIMEOUT", default=10, least=1, most=300)
    return read_email(_text(values, "EMAIL_URL") or "consolemail://", timeout=timeout)


def _sender(values: Mapping[str, str]) -> str:
    """Return the sender, such as ``Runbooks <portal@example.org>``; empty if not set."""
    given = _text(values, "DEFAULT_FROM_EMAIL")
    if not given:
        return ""
    address = parseaddr(given)[1]
    try:
        validate_email(address)
    except ValidationError:
        address = ""
    if not address or not given.isprintable():
        raise ImproperlyConfigured(
            "DEFAULT_FROM_EMAIL is not one e-mail address. Set portal@example.org or "
            "'Runbooks <portal@example.org>'."
        )
    return given


def _checkpoint_key(values: Mapping[str, str]) -> str:
    key = _text(values, "CHECKPOINT_KEY")
    if key and len(key) < MIN_KEY_LENGTH:
        # The value is a secret and is not repeated.
        raise ImproperlyConfigured(
            f"CHECKPOINT_KEY is shorter than {MIN_KEY_LENGTH} characters. Set a long random one."
        )
    return key


def _ledger_mark(values: Mapping[str, str]) -> str:
    word = _text(values, "LEDGER_MARK")
    if word and (not Path(word).is_absolute() or Path(word).is_dir()):
        raise ImproperlyConfigured(
            f"LEDGER_MARK={word!r} is not the whole path of a file. Set one such as "
            "/var/lib/portal/mark.json."
        )
    return word


def _portal_url(values: Mapping[str, str]) -> str:
    url = _text(values, "PORTAL_URL")
    return _origin("PORTAL_URL", url, wildcard=False) if url else ""


def _words(values: Mapping[str, str], name: str, default: str = "") -> list[str]:
    given = _text(values, name) or default
    return [word.strip() for word in given.split(",") if word.strip()]


def _hosts(values: Mapping[str, str]) -> list[str]:
    hosts = _words(values, "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    for host in hosts:
        if not HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"ALLOWED_HOSTS holds {_shown(host)}, which no request can match. Write "
                "names without scheme, "
                "port and path, separated by commas: portal.example,10.0.0.1,[::1]. A "
                "leading dot stands for "
                "every name below: .portal.example."
            )
    return hosts


def _origins(values: Mapping[str, str]) -> list[str]:
    return [
        _origin("CSRF_TRUSTED_ORIGINS", origin, wildcard=True)
        for origin in _words(values, "CSRF_TRUSTED_ORIGINS")
    ]


def _origin(name: str, given: str, *, wildcard: bool) -> str:
    """Return ``scheme://host[:port]`` as a browser writes it; a slash at the end is dropped.

    :raises ImproperlyConfigured: there is no scheme, or there is a path, a query or an account.
    """
    try:
        parts = urlsplit(given)
    except ValueError:
        parts = urlsplit("")
    host = parts.netloc.lower()
    is_origin = given.lower().startswith(("https://", "http://")) and ORIGIN_HOST.fullmatch(host)
    rest = given[len(parts.scheme) + 3 + len(host) :]
    if not is_origin or rest not in ("", "/") or ("*" in host and not wildcard):
        raise ImproperlyConfigured(
            f"{name} holds {_shown(given)}, which is not a scheme and a host. Write it as "
            "https://portal.example, "
            "without a path."
        )
    return f"{parts.scheme}://{host.removesuffix(DEFAULT_PORTS[parts.scheme])}"


def _one_of(values: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Return the value of ``name``; the first choice is the default."""
    word = _text(values, name) or choices[0]
    if word not in choices:
        raise ImproperlyConfigured(
            f"{name}={_shown(word)} is not known. Set one of: {', '.join(choices)}."
        )
    return word


def _time_zone(values: Mapping[str, str]) -> str:
    name = _text(values, "TIME_ZONE") or "Europe/Berlin"
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ImproperlyConfigured(
            f"TIME_ZONE={_shown(name)} is not a time zone. Set a name such as Europe/Berlin."
        ) from error
    return name


def _database(values: Mapping[str, str], var: Path) -> dict[str, Any]:
    url = _text(values, "DATABASE_URL")
    if not url:
        # Invented runbooks never stand in the file of a real portal.
        return sqlite_settings(
            var / ("demo.sqlite3" if _flag(values, "PORTAL_DEMO") else "portal.sqlite3")
        )
    return read_database(url, sqlite=sqlite_settings)


def sqlite_settings(path: Path) -> dict[str, Any]:
    """Settings for one SQLite file: WAL, and write transactions that queue instead of failing.

    Django's default (deferred) transactions answer most raced writes with "database is locked";
    IMMEDIATE ones wait their turn (docs/decisions/0003). ``recursive_triggers`` lets the guards
    see the rows that ``INSERT OR REPLACE`` removes.
    """
    return {
        "ENGINE": "portal.database.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;",
        },
    }


def _generated_secret_key(var: Path) -> str:
    """A key of this installation, kept in ``var/secret_key`` and readable by its owner alone."""
    path = var / "secret_key"
    try:
        return _stored_secret_key(path) or _write_secret_key(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and {path.name} cannot be read or written: {error.strerror}."
        ) from error
    except UnicodeDecodeError:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and {path.name} holds no key. Delete the file, or set "
            "SECRET_KEY."
        ) from None


def _stored_secret_key(path: Path) -> str:
    """What the file holds; nothing where there is none, or a blank one."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def _write_secret_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(50)
    # A draft of its own, then a link: two first starts at once must end up with one key.
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(key, encoding="ascii")
    try:
        os.link(draft, path)
    except FileExistsError:
        stored = _stored_secret_key(path)
        if not stored:  # it was left blank
            draft.replace(path)
        key = stored or key
    except OSError:  # a file system without hard links
        draft.replace(path)
    draft.unlink(missing_ok=True)
    return key
