"""The environment, read once and typed. A wrong value fails with a sentence that says what to set.

The names are those of the README's table; nothing else in the project reads ``os.environ``.
"""

import os
import secrets
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})
DATABASE_SCHEMES = ("sqlite", "postgres", "postgresql", "psql", "pgsql")
READ_MODES = ("login", "public")
LANGUAGES = ("en", "de")
SHORTEST_KEY = 16


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
    portal_url: str
    time_zone: str
    language_code: str


def read_environment(values: Mapping[str, str], *, var: Path) -> Environment:
    """Read and check every variable.

    :param values: the environment, usually ``os.environ``.
    :param var: the folder for files that the portal makes (SQLite database, generated key).
    :raises ImproperlyConfigured: a value cannot be used; the message names the variable and says what to set.
    """
    return Environment(
        secret_key=values.get("SECRET_KEY") or _generated_secret_key(var),
        database=_database(values, var),
        cache=_url(values, "CACHE_URL", "locmemcache://", environ.Env.cache_url_config),
        email=_url(values, "EMAIL_URL", "consolemail://", environ.Env.email_url_config),
        allowed_hosts=_words(values, "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
        csrf_trusted_origins=_origins(values),
        debug=_flag(values, "DEBUG"),
        demo=_flag(values, "PORTAL_DEMO"),
        portal_read=cast(Literal["login", "public"], _one_of(values, "PORTAL_READ", READ_MODES)),
        docs_root=values.get("DOCS_ROOT", ""),
        docs_ref=values.get("DOCS_REF", ""),
        governance_solo=_flag(values, "GOVERNANCE_SOLO"),
        signing_cool_down_hours=_whole_number(values, "SIGNING_COOL_DOWN_HOURS", default=24, most=24 * 365),
        checkpoint_key=_checkpoint_key(values),
        portal_url=_portal_url(values),
        time_zone=_time_zone(values),
        language_code=_one_of(values, "LANGUAGE_CODE", LANGUAGES),
    )


def _flag(values: Mapping[str, str], name: str) -> bool:
    word = values.get(name, "").strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name}={word!r} is neither yes nor no. Set {name}=1 or {name}=0.")


def _whole_number(values: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    word = values.get(name, "").strip()
    if not word:
        return default
    if not (word.isascii() and word.isdecimal() and len(word) <= len(str(most)) and int(word) <= most):
        raise ImproperlyConfigured(f"{name}={word!r} is not a whole number from 0 to {most}. Set {name}={default}.")
    return int(word)


def _checkpoint_key(values: Mapping[str, str]) -> str:
    key = values.get("CHECKPOINT_KEY", "")
    if key and len(key) < SHORTEST_KEY:
        # The value is a secret and is not repeated.
        raise ImproperlyConfigured(f"CHECKPOINT_KEY is shorter than {SHORTEST_KEY} characters. Set a long random one.")
    return key


def _portal_url(values: Mapping[str, str]) -> str:
    url = values.get("PORTAL_URL", "").strip().rstrip("/")
    if url and not url.startswith(("https://", "http://")):
        raise ImproperlyConfigured(f"PORTAL_URL={url!r} has no scheme. Write it as https://{url}.")
    return url


def _words(values: Mapping[str, str], name: str, default: str) -> list[str]:
    return [word.strip() for word in values.get(name, default).split(",") if word.strip()]


def _origins(values: Mapping[str, str]) -> list[str]:
    origins = _words(values, "CSRF_TRUSTED_ORIGINS", "")
    for origin in origins:
        if not origin.startswith(("https://", "http://")):
            raise ImproperlyConfigured(
                f"CSRF_TRUSTED_ORIGINS holds {origin!r}, which has no scheme. Write it as https://{origin}."
            )
    return origins


def _one_of(values: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """The value of ``name``; the first choice is the default."""
    word = values.get(name, "").strip() or choices[0]
    if word not in choices:
        raise ImproperlyConfigured(f"{name}={word!r} is not known. Set one of: {', '.join(choices)}.")
    return word


def _time_zone(values: Mapping[str, str]) -> str:
    name = values.get("TIME_ZONE", "").strip() or "Europe/Berlin"
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ImproperlyConfigured(
            f"TIME_ZONE={name!r} is not a time zone. Set a name such as Europe/Berlin."
        ) from error
    return name


def _url(values: Mapping[str, str], name: str, default: str, parse: Any) -> dict[str, Any]:
    try:
        return dict(parse(values.get(name) or default))
    except (ImproperlyConfigured, KeyError, ValueError) as error:
        # The value may hold a password: it is never repeated, nor is the cause, which quotes parts of it.
        raise ImproperlyConfigured(f"{name} cannot be read as an address ({type(error).__name__}).") from None


def _database(values: Mapping[str, str], var: Path) -> dict[str, Any]:
    url = values.get("DATABASE_URL", "").strip()
    if not url:
        # Invented runbooks never stand in the file of a real portal.
        return sqlite_settings(var / ("demo.sqlite3" if _flag(values, "PORTAL_DEMO") else "portal.sqlite3"))
    scheme = url.partition("://")[0]
    if scheme not in DATABASE_SCHEMES:
        raise ImproperlyConfigured(
            "DATABASE_URL names a database that the portal does not support. "
            "Set sqlite:///var/portal.sqlite3 or postgres://USER@HOST:5432/NAME."
        )
    parsed = _url(values, "DATABASE_URL", "", environ.Env.db_url_config)
    if scheme == "sqlite":
        return sqlite_settings(Path(parsed["NAME"]))
    return parsed | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}


def sqlite_settings(path: Path) -> dict[str, Any]:
    """Settings for one SQLite file: WAL, and write transactions that queue instead of failing.

    Django's default (deferred) transactions answer most raced writes with "database is locked";
    IMMEDIATE ones wait their turn (docs/decisions/0003). ``recursive_triggers`` lets the guards
    see the rows that ``INSERT OR REPLACE`` removes.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
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
            f"SECRET_KEY is not set and {path.name} holds no key. Delete the file, or set SECRET_KEY."
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
