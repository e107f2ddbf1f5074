"""The URL configuration of the portal."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.i18n import set_language

from governance.admin.own_password import own_password
from portal.pages.as_of import now_only
from portal.pages.health import healthz, readyz
from portal.pages.home import home
from portal.sign_in import OwnPasswordView, SignInView

urlpatterns = [
    path("", now_only(home), name="home"),
    path("", include("portal.pages.urls")),
    path("login/", SignInView.as_view(), name="login"),
    path("accounts/password/", now_only(OwnPasswordView.as_view()), name="password"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("language/", set_language, name="set_language"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    # Before the admin's URLs, because it replaces Django's own view.
    path("admin/password_change/", admin.site.admin_view(own_password), name="own-password"),
    path("admin/", admin.site.urls),
    path("api/", include("portal.rest.urls")),
]

handler500 = "portal.busy.handler500"
