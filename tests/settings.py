"""Settings for tests: fast password hashing, plain static files, a database per worker."""

from portal.settings import *  # noqa: F403
from portal.settings import DATABASES, VAR_DIR

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
TRUSTED_PROXIES = 0
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PORTAL_READ = "login"
PORTAL_DEMO = False
DOCS_ROOT = ""
GOVERNANCE_SOLO = False
SIGNING_COOL_DOWN_HOURS = 0  # the cast signs at once; tests of the waiting time set it
CHECKPOINT_KEY = ""
LEDGER_MARK = (
    None  # tests roll back and empty tables; those about the mark keep one (the fixture ``mark``)
)
PORTAL_URL = ""
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: WAL, locks and the live server's threads are then the real ones.
    VAR_DIR.mkdir(exist_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
