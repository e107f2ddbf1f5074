"""Read the addresses in ``DATABASE_URL``, ``CACHE_URL`` and ``EMAIL_URL``.

Nothing in an address is ignored: an unknown scheme, option or part is refused with a sentence that
names the variable and says what to set. An address may hold a password, so neither the value nor
any part of it is repeated, except for the name of an option.
"""

import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})
OPTION_NAME = re.compile(r"[a-z_]{2,40}", re.IGNORECASE)

POSTGRESQL_SCHEMES = ("postgres", "postgresql", "psql", "pgsql")
DATABASE_FORMS = "Set sqlite:///var/portal.sqlite3 or postgres://USER@HOST:5432/NAME."
# Django's own settings of a connection. Whatever else may be set is an option of libpq.
CONNECTION_SETTINGS = ("conn_max_age", "conn_health_checks", "disable_server_side_cursors")
# These stand in the address itself; a second value would contradict it.
IN_THE_ADDRESS = frozenset({"host", "port", "dbname", "user", "password"})

# Seconds to open a connection to PostgreSQL (``portal.database_deadline`` counts with them). The
# default of libpq is to wait without end.
CONNECT_TIMEOUT = 3

CACHE_FORMS = "Set locmemcache://, filecache:///PATH or redis://HOST:6379/0."
REDIS = "django.core.cache.backends.redis.RedisCache"
MEMCACHED = "django.core.cache.backends.memcached.PyMemcacheCache"
CACHE_BACKENDS = {
    "locmemcache": "django.core.cache.backends.locmem.LocMemCache",
    "filecache": "django.core.cache.backends.filebased.FileBasedCache",
    "redis": REDIS,
    "rediss": REDIS,
    "rediscache": REDIS,
    "pymemcache": MEMCACHED,
}
CACHE_PACKAGES = {REDIS: "redis", MEMCACHED: "pymemcache"}
WHOLE_CACHE_OPTIONS = ("timeout", "max_entries", "cull_frequency", "version")
KEPT_HERE = ("locmemcache", "filecache")  # where the number of entries is the portal's to limit

EMAIL_FORMS = (
    "Set smtp+tls://USER:PASSWORD@HOST:587 (STARTTLS), smtp+ssl://USER:PASSWORD@HOST:465 "
    "(TLS from the "
    "first byte), smtp://HOST:25 (unencrypted), consolemail://, filemail:///PATH or dummymail://."
)
EMAIL_BACKENDS = {
    "smtp": "django.core.mail.backends.smtp.EmailBackend",
    "smtp+tls": "django.core.mail.backends.smtp.EmailBackend",
    "smtp+ssl": "django.core.mail.backends.smtp.EmailBackend",
    "consolemail": "django.core.mail.backends.console.EmailBackend",
    "filemail": "django.core.mail.backends.filebased.EmailBackend",
    "dummymail": "django.core.mail.backends.dummy.EmailBackend",
}
SMTP_PORTS = {"none": 25, "tls": 587, "ssl": 465}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address, decoded. ``options`` is the query, with lower-case names."""

    variable: str
    forms: str
    scheme: str
    user: str
    password: str = field(repr=False)
    host: str
    port: str
    path: str
    netloc: str = field(repr=False)
    options: Mapping[str, str] = field(repr=False)

    def refusal(self, why: str) -> ImproperlyConfigured:
        """Return the error for this address; ``why`` is a clause without a full stop."""
        return _refusal(self.variable, why, self.forms)

    def allow_options(self, known: tuple[str, ...]) -> None:
        """Raise ImproperlyConfigured if the address has an option that is not one of ``known``."""
        for name in self.options:
            if name not in known:
                allowed = (
                    f"Known options: {', '.join(sorted(known))}" if known else "It takes no option"
                )
                raise self.refusal(f"the option {name!r} is not known. {allowed}")

    def flag(self, name: str) -> bool | None:
        """Return a yes-or-no option; None where it is not given."""
        word = self.options.get(name)
        if word is None:
            return None
        if word.lower() in TRUE_WORDS:
            return True
        if word.lower() in FALSE_WORDS:
            return False
        raise self.refusal(f"the option {name!r} is neither yes nor no. Write {name}=1 or {name}=0")

    def whole_number(self, name: str) -> int:
        """Return an option that is a whole number from 0 to a billion."""
        word = self.options[name]
        if not (word.isascii() and word.isdecimal() and len(word) <= 9):  # noqa: PLR2004 - a billion
            raise self.refusal(f"the option {name!r} is not a whole number. Write {name}=60")
        return int(word)

    def port_number(self) -> int | None:
        """Return the port; None where none is given."""
        if not self.port:
            return None
        if not (self.port.isascii() and self.port.isdecimal() and 0 < int(self.port[:6]) < 65536):  # noqa: PLR2004
            raise self.refusal("the port is not a number from 1 to 65535")
        return int(self.port)

    def is_bare(self) -> bool:
        """Return whether the address names no host, account or port."""
        return not self.netloc


def read_database(value: str, *, sqlite: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Return Django's settings for the database at an address.

    :param sqlite: returns the settings for an SQLite file.
    :raises ImproperlyConfigured: the address is not understood.
    """
    address = _split("DATABASE_URL", value, DATABASE_FORMS)
    if address.scheme == "sqlite":
        return sqlite(_sqlite_path(address))
    if address.scheme in POSTGRESQL_SCHEMES:
        return _postgresql(address, value.partition("?")[0])
    raise address.refusal("the portal does not support this database")


def _sqlite_path(address: Address) -> Path:
    address.allow_options(())
    if not address.is_bare():
        raise address.refusal(
            "sqlite:// is followed by a path, with three slashes if it is relative"
        )
    path = address.path[1:]
    if path in ("", ":memory:"):
        raise address.refusal("it names no file, and a database in memory would be lost at the end")
    return Path(path)


def _postgresql(address: Address, without_options: str) -> dict[str, Any]:
    from psycopg import pq  # noqa: PLC0415 - an SQLite portal starts without it

    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - IN_THE_ADDRESS
    address.allow_options((*CONNECTION_SETTINGS, *known))
    try:
        parsed = dict(environ.Env.db_url_config(without_options))
    except (ImproperlyConfigured, KeyError, ValueError):
        raise address.refusal("the host or the port cannot be read") from None
    if not parsed["NAME"] and "service" not in address.options:
        raise address.refusal("it names no database")
    settings = {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }
    if "conn_max_age" in address.options:
        settings["CONN_MAX_AGE"] = address.whole_number("conn_max_age")
    for name in ("conn_health_checks", "disable_server_side_cursors"):
        given = address.flag(name)
        settings[name.upper()] = settings[name.upper()] if given is None else given
    named = {name: word for name, word in address.options.items() if name in known}
    options = {"connect_timeout": CONNECT_TIMEOUT, **named}
    return parsed | settings | {"ATOMIC_REQUESTS": False, "OPTIONS": options}


def read_cache(value: str) -> dict[str, Any]:
    """Return Django's settings for the cache at an address.

    :raises ImproperlyConfigured: the address is not understood, or its package is not installed.
    """
    address = _split("CACHE_URL", value, CACHE_FORMS)
    backend = CACHE_BACKENDS.get(address.scheme)
    if backend is None:
        raise address.refusal("the portal does not support this cache")
    package = CACHE_PACKAGES.get(backend)
    if package and importlib.util.find_spec(package) is None:
        raise address.refusal(f"it needs the package {package!r}, which is not installed")
    address.allow_options(
        (
            "timeout",
            "version",
            "key_prefix",
            *(WHOLE_CACHE_OPTIONS if address.scheme in KEPT_HERE else ()),
        )
    )
    settings: dict[str, Any] = {"BACKEND": backend, "LOCATION": _cache_location(address)}
    for name in sorted(set(WHOLE_CACHE_OPTIONS) & set(address.options)):
        settings[name.upper()] = address.whole_number(name)
    if "key_prefix" in address.options:
        settings["KEY_PREFIX"] = address.options["key_prefix"]
    return settings


def _cache_location(address: Address) -> str:
    if address.scheme == "locmemcache":
        if address.path.strip("/") or address.user or address.port:
            raise address.refusal("locmemcache:// is followed by a name at most")
        return address.host
    if address.scheme == "filecache":
        if not address.is_bare() or address.path in ("", "/"):
            raise address.refusal(
                "filecache:// is followed by a path: filecache:///var/cache/portal"
            )
        return address.path
    if not address.host:
        raise address.refusal("it names no host")
    address.port_number()
    if address.scheme == "pymemcache":
        if address.path.strip("/") or address.user:
            raise address.refusal("pymemcache:// is followed by a host and a port alone")
        return address.netloc
    return f"{address.scheme.replace('cache', '')}://{address.netloc}{address.path}"


def read_email(value: str, *, timeout: int) -> dict[str, Any]:
    """Return Django's ``EMAIL_…`` settings for the mail service at an address.

    :param timeout: seconds after which a mail server that does not answer is given up.
    :raises ImproperlyConfigured: the address is not understood.
    """
    address = _split("EMAIL_URL", value, EMAIL_FORMS)
    if address.scheme == "smtps":
        raise address.refusal(
            "smtps:// has two meanings. Say which one: smtp+tls:// or smtp+ssl://"
        )
    if address.scheme not in EMAIL_BACKENDS:
        raise address.refusal("the portal does not support this way to send e-mail")
    settings: dict[str, Any] = {
        "EMAIL_BACKEND": EMAIL_BACKENDS[address.scheme],
        "EMAIL_TIMEOUT": timeout,
    }
    if address.scheme.startswith("smtp"):
        return settings | _smtp(address)
    address.allow_options(())
    if not address.is_bare():
        raise address.refusal(f"{address.scheme}:// takes no host")
    if address.scheme == "filemail":
        if address.path in ("", "/"):
            raise address.refusal(
                "filemail:// is followed by a folder: filemail:///var/mail/portal"
            )
        return settings | {"EMAIL_FILE_PATH": address.path}
    if address.path.strip("/"):
        raise address.refusal(f"{address.scheme}:// takes no path")
    return settings


def _smtp(address: Address) -> dict[str, Any]:
    address.allow_options(("tls", "ssl"))
    if not address.host:
        raise address.refusal("it names no mail server")
    if address.path.strip("/"):
        raise address.refusal("a mail server has no path")
    if bool(address.user) != bool(address.password):
        raise address.refusal(
            "it has a user name without a password, or a password without a user name"
        )
    encryption = _encryption(address)
    return {
        "EMAIL_HOST": address.host,
        "EMAIL_PORT": address.port_number() or SMTP_PORTS[encryption],
        "EMAIL_HOST_USER": address.user,
        "EMAIL_HOST_PASSWORD": address.password,
        "EMAIL_USE_TLS": encryption == "tls",
        "EMAIL_USE_SSL": encryption == "ssl",
    }


def _encryption(address: Address) -> str:
    """Return "none", "tls" (STARTTLS) or "ssl" (TLS from the first byte)."""
    wanted = {"smtp": "none", "smtp+tls": "tls", "smtp+ssl": "ssl"}[address.scheme]
    for name in ("tls", "ssl"):
        given = address.flag(name)
        if given and wanted not in ("none", name):
            raise address.refusal(
                "it asks for STARTTLS and for TLS from the first byte. Choose one"
            )
        if given is False and wanted == name:
            raise address.refusal("the option contradicts the scheme. Leave the option out")
        wanted = name if given else wanted
    return wanted


def _refusal(variable: str, why: str, forms: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{variable} cannot be read as an address: {why}. {forms}")


def _split(variable: str, value: str, forms: str) -> Address:
    """Take an address apart.

    :raises ImproperlyConfigured: it has parts that no address of a service has.
    """
    value = value.strip()
    if "://" not in value or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise _refusal(variable, "it is not of the form SCHEME://…, without spaces", forms)
    try:
        parts = urlsplit(value)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        host = unquote(parts.hostname or "")
    except ValueError:
        raise _refusal(variable, "its host cannot be read", forms) from None
    if parts.fragment or "#" in value or "@" in parts.path + parts.query:
        raise _refusal(
            variable,
            "a character such as # / ? @ in a password must be written as %23 %2F %3F %40",
            forms,
        )
    return Address(
        variable=variable,
        forms=forms,
        scheme=parts.scheme,
        user=user,
        password=password,
        host=host,
        port=_port_of(parts),
        path=unquote(parts.path),
        netloc=parts.netloc,
        options=_options(variable, parts.query, forms),
    )


def _port_of(parts: SplitResult) -> str:
    """Return what stands behind the host's colon, unchecked: PostgreSQL takes several hosts."""
    return parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]


def _options(variable: str, query: str, forms: str) -> dict[str, str]:
    options: dict[str, str] = {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise _refusal(
            variable, "its options are not of the form ?NAME=VALUE&NAME=VALUE", forms
        ) from None
    for given, word in pairs:
        name = given.lower()
        if not OPTION_NAME.fullmatch(name):
            raise _refusal(variable, "the name of an option is not a word", forms)
        if name in options or not word.strip():
            raise _refusal(variable, f"the option {name!r} is given twice or has no value", forms)
        options[name] = word.strip()
    return options
