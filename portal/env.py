"""The environment, read once and typed.

A wrong value raises an error that says what to set. The variables are documented in the README;
nothing else in the project reads ``os.environ``.
"""

import difflib
import os
import re
import secrets
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from portal.connection_urls import (
    FALSE_WORDS,
    TRUE_WORDS,
    read_cache,
    read_database,
    read_email,
    sqlite_settings,
)


def stored_secret_key(path: Path) -> str:
    """Return the key in a file that only its owner can read; create the file if it is missing.

    :raises ImproperlyConfigured: the file cannot be read or written, or is not ASCII text.
    """
    try:
        return _read(path) or _make(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no key"
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and {path.name} cannot be read or written: {reason}. "
            "Set SECRET_KEY, or move the file away."
        ) from None


def _read(path: Path) -> str:
    """Return the text of the file, or an empty string if it does not exist."""
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def _make(path: Path) -> str:
    """Write a draft and link it to the path, so that simultaneous starts get the same key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
    try:
        os.link(draft, path)
    except OSError:  # the file exists, or the file system has no hard links
        if not _read(path):
            draft.replace(path)
    draft.unlink(missing_ok=True)
    return _read(path)


READ_MODES = ("login", "public")
LANGUAGES = ("en", "de")
MIN_KEY_LENGTH = 16
MAX_SHOWN = 80
# A host as in a request: no scheme, port or path. ``*`` matches any host, ``.example`` every host
# below it.
HOST = re.compile(r"\*|\.?[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.IGNORECASE)
ORIGIN = re.compile(
    r"(https?)://((\*\.)?[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?",
    re.IGNORECASE,
)
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
# Variables with one of these prefixes are expected to be the portal's. The system check
# ``portal.W001`` reports one that nothing reads, because it is probably misspelled.
PREFIXES = tuple(
    "ALLOWED_ AXES_ CACHE_ CHECKPOINT_ CSRF_ DATABASE_ DEFAULT_FROM_ DOCS_ EMAIL_ GOVERNANCE_ "
    "LEDGER_ PORTAL_ SECRET_ SIGNING_ TRUSTED_".split()
)
READ_BY_RUN_PY = frozenset({"BIND"})
ALIKE = 0.85  # ratio of difflib: one letter missing, doubled or exchanged in a name of this length

# A reader takes the name of a variable and its text, and returns the value.
Reader = Callable[[str, str], Any]


def _refusal(name: str, word: str, why: str) -> ImproperlyConfigured:
    """Return the error for a value.

    The value is truncated, and hidden if it may contain a password.
    """
    shown = repr(word if len(word) <= MAX_SHOWN else word[:MAX_SHOWN] + "…")
    return ImproperlyConfigured(f"{name}={'(a value with an @)' if '@' in word else shown} {why}")


def _text(_name: str, word: str) -> str:
    return word


def _yes_or_no(name: str, word: str) -> bool:
    if word.lower() not in TRUE_WORDS | FALSE_WORDS:
        raise _refusal(name, word, f"is neither yes nor no. Set {name}=1 or {name}=0.")
    return word.lower() in TRUE_WORDS


def _one_of(choices: tuple[str, ...]) -> Reader:
    def read(name: str, word: str) -> str:
        if word not in choices:
            raise _refusal(name, word, f"is not known. Set one of: {', '.join(choices)}.")
        return word

    return read


def _whole_number(least: int, most: int) -> Reader:
    def read(name: str, word: str) -> int:
        is_number = word.isascii() and word.isdecimal() and len(word) <= len(str(most))
        if not (is_number and least <= int(word) <= most):
            why = f"is not a whole number from {least} to {most}. Set one, or unset {name}."
            raise _refusal(name, word, why)
        return int(word)

    return read


def _time_zone(name: str, word: str) -> str:
    try:
        zoneinfo.ZoneInfo(word)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        why = "is not a time zone. Set a name such as Europe/Berlin."
        raise _refusal(name, word, why) from None
    return word


def _host(name: str, word: str) -> str:
    if not HOST.fullmatch(word):
        why = (
            "cannot match any request. Write names without scheme, port and path, separated by "
            "commas: portal.example,10.0.0.1,[::1]. A leading dot stands for every name below: "
            ".portal.example."
        )
        raise _refusal(name, word, why)
    return word


def _origin(name: str, word: str, *, wildcard: bool = True) -> str:
    """Return ``scheme://host[:port]`` as a browser writes it, without a trailing slash."""
    found = ORIGIN.fullmatch(word)
    if not found or (found[3] and not wildcard):
        why = "is not a scheme and a host. Write it as https://portal.example, without a path."
        raise _refusal(name, word, why)
    return word.lower().removesuffix("/").removesuffix(DEFAULT_PORTS[found[1].lower()])


def _portal_url(name: str, word: str) -> str:
    return _origin(name, word, wildcard=False) if word else ""


def _comma_separated(read: Reader) -> Reader:
    return lambda name, word: [read(name, one.strip()) for one in word.split(",") if one.strip()]


def _sender(name: str, word: str) -> str:
    """Return the sender, such as ``Runbooks <portal@example.org>``, or an empty string."""
    try:
        if word:
            validate_email(parseaddr(word)[1] if word.isprintable() else "")
    except ValidationError:
        raise ImproperlyConfigured(
            f"{name} is not one e-mail address. Set portal@example.org or "
            "'Runbooks <portal@example.org>'."
        ) from None
    return word


def _key(name: str, word: str) -> str:
    if 0 < len(word) < MIN_KEY_LENGTH:  # the value is a secret, so it is not repeated
        raise ImproperlyConfigured(
            f"{name} is shorter than {MIN_KEY_LENGTH} characters. Set a long random one."
        )
    return word


def _whole_path(name: str, word: str) -> str:
    if word and (not Path(word).is_absolute() or Path(word).is_dir()):
        why = "is not the whole path of a file. Set one such as /var/lib/portal/mark.json."
        raise _refusal(name, word, why)
    return word


def _database(_name: str, word: str) -> dict[str, Any]:
    return read_database(word) if word else {}


def _variable(name: str, default: str, read: Reader) -> Any:
    """Return a field that is read from an environment variable; a blank value means the default."""
    return field(metadata={"variable": name, "default": default, "read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Every setting that is read from the environment, validated."""

    database: dict[str, Any] = _variable("DATABASE_URL", "", _database)
    cache: dict[str, Any] = _variable("CACHE_URL", "locmemcache://", lambda _, url: read_cache(url))
    email: dict[str, Any] = _variable("EMAIL_URL", "consolemail://", lambda _, url: read_email(url))
    email_timeout: int = _variable("EMAIL_TIMEOUT", "10", _whole_number(1, 300))
    allowed_hosts: list[str] = _variable(
        "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]", _comma_separated(_host)
    )
    csrf_trusted_origins: list[str] = _variable(
        "CSRF_TRUSTED_ORIGINS", "", _comma_separated(_origin)
    )
    debug: bool = _variable("DEBUG", "0", _yes_or_no)
    demo: bool = _variable("PORTAL_DEMO", "0", _yes_or_no)
    portal_read: Literal["login", "public"] = _variable("PORTAL_READ", "login", _one_of(READ_MODES))
    docs_root: str = _variable("DOCS_ROOT", "", _text)
    docs_ref: str = _variable("DOCS_REF", "", _text)
    governance_solo: bool = _variable("GOVERNANCE_SOLO", "0", _yes_or_no)
    signing_cool_down_hours: int = _variable(
        "SIGNING_COOL_DOWN_HOURS", "24", _whole_number(0, 24 * 365)
    )
    checkpoint_key: str = _variable("CHECKPOINT_KEY", "", _key)
    ledger_mark: str = _variable("LEDGER_MARK", "", _whole_path)
    portal_url: str = _variable("PORTAL_URL", "", _portal_url)
    time_zone: str = _variable("TIME_ZONE", "Europe/Berlin", _time_zone)
    language_code: str = _variable("LANGUAGE_CODE", "en", _one_of(LANGUAGES))
    default_from_email: str = _variable("DEFAULT_FROM_EMAIL", "", _sender)
    trusted_proxies: int = _variable("TRUSTED_PROXIES", "0", _whole_number(0, 10))
    secret_key: str = _variable("SECRET_KEY", "", _text)
    secret_key_fallbacks: list[str] = _variable("SECRET_KEY_FALLBACKS", "", _comma_separated(_key))
    unread: tuple[str, ...]


# The environment variable of each field of ``Environment``.
VARIABLES = {one.name: one.metadata["variable"] for one in fields(Environment) if one.metadata}


def read_environment(values: Mapping[str, str], *, var: Path) -> Environment:
    """Read and validate every variable.

    :param values: the environment, usually ``os.environ``.
    :param var: the folder for files that the portal makes (SQLite database, generated key).
    :raises ImproperlyConfigured: a value cannot be used; the message names the variable and says
        what to set.
    """
    settings: dict[str, Any] = {}
    for one in fields(Environment):
        if one.name in VARIABLES:
            name = VARIABLES[one.name]
            word = values.get(name, "").strip() or one.metadata["default"]
            settings[one.name] = one.metadata["read"](name, word)
    if settings["docs_ref"] and not settings["docs_root"]:
        why = "has no effect without a repository. Set DOCS_ROOT, or unset DOCS_REF."
        raise _refusal("DOCS_REF", settings["docs_ref"], why)
    # The demo has its own file, so that its runbooks never get into a real portal.
    file = "demo.sqlite3" if settings["demo"] else "portal.sqlite3"
    settings["database"] = settings["database"] or sqlite_settings(var / file)
    # Last, because it may write a file, which a refused start must not leave behind.
    settings["secret_key"] = settings["secret_key"] or stored_secret_key(var / "secret_key")
    return Environment(**settings, unread=_unread(values))


def _unread(values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the sorted names that look like the portal's variables and that nothing reads."""
    read = READ_BY_RUN_PY.union(VARIABLES.values())
    unread = sorted(set(values) - read)
    alike = [name for name in unread if difflib.get_close_matches(name, read, n=1, cutoff=ALIKE)]
    return tuple(name for name in unread if name.startswith(PREFIXES) or name in alike)
