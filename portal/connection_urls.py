"""Parsing of the addresses in ``DATABASE_URL``, ``CACHE_URL`` and ``EMAIL_URL``.

Nothing in an address is ignored: an unknown scheme, option or part is refused with a sentence that
names the variable and says what to set. An address may contain a password, so neither the value nor
any part of it is repeated, except for the name of an option.
"""

import importlib.util
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})
OPTION_NAME = re.compile(r"[a-z_]{2,40}", re.IGNORECASE)
MAX_DIGITS = 9  # of a number in an option
PORTS = range(1, 65536)

# What to set, by variable.
FORMS = {
    "DATABASE_URL": "Set sqlite:///var/portal.sqlite3 or postgres://USER@HOST:5432/NAME.",
    "CACHE_URL": "Set locmemcache://, filecache:///PATH or redis://HOST:6379/0.",
    "EMAIL_URL": (
        "Set smtp+tls://USER:PASSWORD@HOST:587 (STARTTLS), smtp+ssl://USER:PASSWORD@HOST:465 (TLS "
        "from the first byte), smtp://HOST:25 (unencrypted), consolemail://, filemail:///PATH or "
        "dummymail://."
    ),
}

POSTGRESQL_SCHEMES = ("postgres", "postgresql", "psql", "pgsql")
# Django's own settings of a connection. All other options are those of libpq.
CONNECTION_SETTINGS = ("conn_max_age", "conn_health_checks", "disable_server_side_cursors")
# These are part of the address itself; a second value would contradict it.
IN_THE_ADDRESS = frozenset({"host", "port", "dbname", "user", "password"})
# Seconds to open a connection to PostgreSQL. ``portal.database_deadline`` relies on it. By default,
# libpq waits forever.
CONNECT_TIMEOUT = 3

REDIS = "django.core.cache.backends.redis.RedisCache"
CACHE_BACKENDS = {
    "locmemcache": "django.core.cache.backends.locmem.LocMemCache",
    "filecache": "django.core.cache.backends.filebased.FileBasedCache",
    "redis": REDIS,
    "rediss": REDIS,
    "rediscache": REDIS,
    "pymemcache": "django.core.cache.backends.memcached.PyMemcacheCache",
}
CACHE_PACKAGES = {scheme: "redis" for scheme in CACHE_BACKENDS if scheme.startswith("redis")}
CACHE_PACKAGES["pymemcache"] = "pymemcache"
CACHE_OPTIONS = ("timeout", "version", "key_prefix")
KEPT_HERE_OPTIONS = ("max_entries", "cull_frequency")  # a cache server has its own limits

SMTP = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_BACKENDS = {
    "smtp": SMTP,
    "smtp+tls": SMTP,
    "smtp+ssl": SMTP,
    "consolemail": "django.core.mail.backends.console.EmailBackend",
    "filemail": "django.core.mail.backends.filebased.EmailBackend",
    "dummymail": "django.core.mail.backends.dummy.EmailBackend",
}
SMTP_PORTS = {"": 25, "tls": 587, "ssl": 465}


class Address:
    """The parts of an address, decoded. ``options`` is the query, with lower-case names."""

    def __init__(self, variable: str, value: str) -> None:
        """Split an address into its parts.

        :raises ImproperlyConfigured: the address is malformed.
        """
        self.variable = variable
        if "://" not in value or re.search(r"[\s\x00-\x1f\x7f]", value):
            raise self.refusal("it is not of the form SCHEME://…, without spaces")
        try:
            self._parts = urlsplit(value)
            self.host = unquote(self._parts.hostname or "")
        except ValueError:
            raise self.refusal("its host cannot be read") from None
        if "#" in value or "@" in self._parts.path + self._parts.query:
            raise self.refusal(
                "a character such as # / ? @ in a password must be written as %23 %2F %3F %40"
            )
        self.scheme, self.netloc = self._parts.scheme, self._parts.netloc
        self.user = unquote(self._parts.username or "")
        self.password = unquote(self._parts.password or "")
        self.path = unquote(self._parts.path)
        self.options = self._options(self._parts.query)

    def _options(self, query: str) -> dict[str, str]:
        options: dict[str, str] = {}
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        except ValueError:
            raise self.refusal("its options are not of the form ?NAME=VALUE&NAME=VALUE") from None
        for given, word in pairs:
            name = given.lower()
            if not OPTION_NAME.fullmatch(name):
                raise self.refusal("the name of an option is not a word")
            if name in options or not word.strip():
                raise self.refusal(f"the option {name!r} is given twice or has no value")
            options[name] = word.strip()
        return options

    def refusal(self, why: str) -> ImproperlyConfigured:
        """Return the error for this address.

        :param why: a clause without a full stop.
        """
        forms = FORMS[self.variable]
        return ImproperlyConfigured(f"{self.variable} cannot be read as an address: {why}. {forms}")

    def allow_options(self, *known: str) -> None:
        """Refuse options that are not known.

        :raises ImproperlyConfigured: the address has an option that is not in ``known``.
        """
        for name in self.options.keys() - set(known):
            allowed = (
                f"Known options: {', '.join(sorted(known))}" if known else "It takes no option"
            )
            raise self.refusal(f"the option {name!r} is not known. {allowed}")

    def flag(self, name: str, default: bool | None = None) -> bool | None:
        """Return an option that is yes or no, or ``default`` if it is not given.

        :raises ImproperlyConfigured: the option is neither.
        """
        word = self.options.get(name)
        if word is None:
            return default
        if word.lower() not in TRUE_WORDS | FALSE_WORDS:
            why = f"the option {name!r} is neither yes nor no. Write {name}=1 or {name}=0"
            raise self.refusal(why)
        return word.lower() in TRUE_WORDS

    def whole_number(self, name: str, default: int | None = None) -> int | None:
        """Return an option that is a whole number, or ``default`` if it is not given.

        :raises ImproperlyConfigured: the option is not a whole number of at most nine digits.
        """
        word = self.options.get(name)
        if word is None:
            return default
        if not (word.isascii() and word.isdecimal() and len(word) <= MAX_DIGITS):
            raise self.refusal(f"the option {name!r} is not a whole number. Write {name}=60")
        return int(word)

    def port(self) -> int | None:
        """Return the port, or None if the address has none.

        :raises ImproperlyConfigured: the port is not a number from 1 to 65535.
        """
        try:
            port = self._parts.port
        except ValueError:
            port = 0
        if port == 0:
            raise self.refusal("the port is not a number from 1 to 65535")
        return port

    def only_path(self) -> str:
        """Return the path of an address that must consist of a path only.

        :raises ImproperlyConfigured: the address has a host, or no path.
        """
        if self.netloc or self.path in ("", "/"):
            raise self.refusal(f"{self.scheme}:// is followed by a path: {self.scheme}:///var/x")
        return self.path


def read_database(value: str) -> dict[str, Any]:
    """Return Django's settings for the database at an address.

    :raises ImproperlyConfigured: the address is not understood.
    """
    address = Address("DATABASE_URL", value)
    if address.scheme in POSTGRESQL_SCHEMES:
        return _postgresql(address, value.partition("?")[0].partition("://")[2])
    if address.scheme != "sqlite":
        raise address.refusal("the portal does not support this database")
    address.allow_options()
    if address.netloc:
        raise address.refusal(
            "sqlite:// is followed by a path, with three slashes if it is relative"
        )
    if address.path[1:] in ("", ":memory:"):
        raise address.refusal("it names no file, and a database in memory would be lost at the end")
    return sqlite_settings(Path(address.path[1:]))


def sqlite_settings(path: Path) -> dict[str, Any]:
    """Return the settings for one SQLite file: WAL, and write transactions that queue.

    Django's default (deferred) transactions answer most raced writes with "database is locked";
    IMMEDIATE ones wait their turn (docs/decisions/0003). ``recursive_triggers`` lets the guards
    see the rows that ``INSERT OR REPLACE`` removes.
    """
    pragmas = "journal_mode=WAL", "synchronous=FULL", "recursive_triggers=ON"
    return {
        "ENGINE": "portal.database.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": " ".join(f"PRAGMA {pragma};" for pragma in pragmas),
        },
    }


def _postgresql(address: Address, rest: str) -> dict[str, Any]:
    """Return the settings of a PostgreSQL address.

    :param rest: the part between the scheme and the options, which libpq parses.
    :raises ImproperlyConfigured: the address is not understood.
    """
    import psycopg  # noqa: PLC0415 - not needed with SQLite
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    address.allow_options(*CONNECTION_SETTINGS, *known - IN_THE_ADDRESS)
    try:
        parts = {name: str(part) for name, part in conninfo_to_dict(f"postgresql://{rest}").items()}
    except psycopg.Error:
        raise address.refusal("the host or the port cannot be read") from None
    host, name = parts.get("host", ""), parts.get("dbname", "")
    if name.startswith("/"):  # the folder of a socket: postgres:////run/postgresql/NAME
        host, _, name = name.rpartition("/")
    if not (name or "service" in address.options):
        raise address.refusal("it names no database")
    port = parts.get("port", "")  # comma-separated if there are several hosts
    if not all(one == "" or (one.isdecimal() and int(one) in PORTS) for one in port.split(",")):
        raise address.refusal("the port cannot be read")
    own = {option: word for option, word in address.options.items() if option in known}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": host,
        "PORT": port,
        "CONN_MAX_AGE": address.whole_number("conn_max_age", 60),
        "CONN_HEALTH_CHECKS": address.flag("conn_health_checks", True),
        "DISABLE_SERVER_SIDE_CURSORS": address.flag("disable_server_side_cursors", False),
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {"connect_timeout": CONNECT_TIMEOUT, **own},
    }


def read_cache(value: str) -> dict[str, Any]:
    """Return Django's settings for the cache at an address.

    :raises ImproperlyConfigured: the address is not understood, or its package is not installed.
    """
    address = Address("CACHE_URL", value)
    if address.scheme not in CACHE_BACKENDS:
        raise address.refusal("the portal does not support this cache")
    package = CACHE_PACKAGES.get(address.scheme)
    if package and importlib.util.find_spec(package) is None:
        raise address.refusal(f"it needs the package {package!r}, which is not installed")
    address.allow_options(*CACHE_OPTIONS, *(() if package else KEPT_HERE_OPTIONS))
    options: dict[str, Any] = {
        name.upper(): word if name == "key_prefix" else address.whole_number(name)
        for name, word in address.options.items()
    }
    location = _cache_location(address)
    return {"BACKEND": CACHE_BACKENDS[address.scheme], "LOCATION": location, **options}


def _cache_location(address: Address) -> str:
    if address.scheme == "filecache":
        return address.only_path()
    has_path = bool(address.path.strip("/"))
    if address.scheme == "locmemcache":
        if has_path or address.user or address.port():
            raise address.refusal("locmemcache:// is followed by a name at most")
        return address.host
    if not address.host:
        raise address.refusal("it names no host")
    address.port()
    if address.scheme == "pymemcache":
        if has_path or address.user:
            raise address.refusal("pymemcache:// is followed by a host and a port alone")
        return address.netloc
    return f"{address.scheme.removesuffix('cache')}://{address.netloc}{address.path}"


def read_email(value: str) -> dict[str, Any]:
    """Return Django's ``EMAIL_…`` settings for the mail service at an address.

    :raises ImproperlyConfigured: the address is not understood.
    """
    address = Address("EMAIL_URL", value)
    if address.scheme == "smtps":
        why = "smtps:// has two meanings. Say which one: smtp+tls:// or smtp+ssl://"
        raise address.refusal(why)
    if address.scheme not in EMAIL_BACKENDS:
        raise address.refusal("the portal does not support this way to send e-mail")
    backend = {"EMAIL_BACKEND": EMAIL_BACKENDS[address.scheme]}
    if address.scheme.startswith("smtp"):
        return backend | _smtp(address)
    address.allow_options()
    if address.scheme == "filemail":
        return backend | {"EMAIL_FILE_PATH": address.only_path()}
    if address.netloc or address.path.strip("/"):
        raise address.refusal(f"{address.scheme}:// takes no host and no path")
    return backend


def _smtp(address: Address) -> dict[str, Any]:
    address.allow_options("tls", "ssl")
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
        "EMAIL_PORT": address.port() or SMTP_PORTS[encryption],
        "EMAIL_HOST_USER": address.user,
        "EMAIL_HOST_PASSWORD": address.password,
        "EMAIL_USE_TLS": encryption == "tls",
        "EMAIL_USE_SSL": encryption == "ssl",
    }


def _encryption(address: Address) -> str:
    """Return "tls" (STARTTLS), "ssl" (TLS from the first byte), or "" for none."""
    scheme = address.scheme.removeprefix("smtp").removeprefix("+")
    wanted = {scheme, *(name for name in ("tls", "ssl") if address.flag(name))} - {""}
    if len(wanted) > 1:
        raise address.refusal("it asks for STARTTLS and for TLS from the first byte. Choose one")
    if scheme and address.flag(scheme) is False:
        raise address.refusal("the option contradicts the scheme. Leave the option out")
    return wanted.pop() if wanted else ""
