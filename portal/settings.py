"""Django settings. ``portal.env`` reads the values that differ between installations."""

import contextlib
import os
import sys
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from portal.env import read_environment

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
ENVIRONMENT = read_environment(os.environ, var=VAR_DIR)

SECRET_KEY = ENVIRONMENT.secret_key
SECRET_KEY_FALLBACKS = ENVIRONMENT.secret_key_fallbacks
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.csrf_trusted_origins
DATABASES = {"default": ENVIRONMENT.database}
CACHES = {"default": ENVIRONMENT.cache}
globals().update(ENVIRONMENT.email)  # EMAIL_BACKEND, EMAIL_HOST, …: one setting each in Django 5.2
EMAIL_TIMEOUT = ENVIRONMENT.email_timeout
# `check` refuses a mail server without a sender; the console backend needs none.
NO_SENDER = "portal@localhost"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENVIRONMENT.default_from_email or NO_SENDER
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies

# The portal's own settings, documented as environment variables in the README.
PORTAL_READ = ENVIRONMENT.portal_read
PORTAL_DEMO = ENVIRONMENT.demo
DOCS_ROOT = ENVIRONMENT.docs_root
DOCS_REF = ENVIRONMENT.docs_ref
GOVERNANCE_SOLO = ENVIRONMENT.governance_solo
SIGNING_COOL_DOWN_HOURS = ENVIRONMENT.signing_cool_down_hours
CHECKPOINT_KEY = ENVIRONMENT.checkpoint_key
LEDGER_MARK = ENVIRONMENT.ledger_mark  # empty: a separate file for each database
PORTAL_URL = ENVIRONMENT.portal_url
UNREAD_VARIABLES = ENVIRONMENT.unread

INSTALLED_APPS = [
    "portal",
    "governance",
    "runbooks",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
]

MIDDLEWARE = [
    "portal.gate.GateMiddleware",  # first: it turns errors of all others into a no-go
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.FreshMiddleware",
    "portal.middleware.UnstorableTextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.kept_forms.KeptFormMiddleware",
    "governance.accounts.passwords.ActingMiddleware",
    "portal.middleware.KnownDeviceMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.middleware.ReadAccessMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it answers in the place of a refused sign-in
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.portal",
            ],
        },
    },
]

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "portal.accounts.PortalBackend"]
# The limits are in governance.accounts.sign_in_limits (docs/decisions/0008).
AXES_HANDLER = "governance.accounts.sign_in_limits.SignInLimits"
AXES_CLIENT_IP_CALLABLE = "governance.accounts.client_address.client_network"
AXES_FAILURE_LIMIT = 10  # for one name from one address, or from one known device
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # otherwise retrying prolongs the lock
AXES_USERNAME_CALLABLE = "portal.accounts.tried_name"
# Sign-ins are private, so they are not logged; failures are stored only to count them.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "portal/locked_out.html"
AXES_HTTP_RESPONSE_CODE = 429
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    # Last: it only records that a password was set.
    {"NAME": "governance.accounts.passwords.RecordedPassword"},
]
CSRF_FAILURE_VIEW = "portal.kept_forms.csrf_failure"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = ENVIRONMENT.language_code
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
TIME_ZONE = ENVIRONMENT.time_zone
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
with contextlib.suppress(OSError):
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns about a missing folder
# `run.py serve` collects the files. Files that were not collected are served from their source.
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or PORTAL_DEMO
        else "portal.static_files.HashedStaticFiles"
    },
}

# One strict policy for every page including the admin: no inline code, no other origins.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

_over_https = not (DEBUG or PORTAL_DEMO) and any(
    origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _over_https
# Clients can forge this header, so it is only trusted if a proxy is configured to set it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if _over_https else 0
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.rest.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
        "portal.rest.authentication.LimitedBasicAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["portal.rest.permissions.MayRead"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["portal.rest.filtering.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "portal.rest.pagination.PagePagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Runbook Governance Portal",
    "DESCRIPTION": "Runbooks, their clusters, layers, situations and readiness, "
    "for systems that sync.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["portal.rest.permissions.MayRead"],
    "ENUM_NAME_OVERRIDES": {"ReadinessLevelEnum": "runbooks.choices.ReadinessLevel.choices"},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING" if "pytest" in sys.modules else "INFO"},
}
