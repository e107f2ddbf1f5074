"""Pages for signing in and for changing one's own password."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from governance.admin.own_password import OwnPasswordForm
from portal.kept_forms import FIELD, hand_back, unsealed


class SignInView(LoginView):
    """The sign-in page (``/login/``), which returns a form sent after the end of the session."""

    template_name = "portal/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the sign-in page, or a kept form if the user has signed in elsewhere."""
        if request.method == "POST" and request.user.is_authenticated:
            kept = self._kept()
            if kept is not None:
                return kept
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the user in, then return the kept form or redirect."""
        response = super().form_valid(form)
        return self._kept() or response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the kept form, so that a wrong password does not lose it."""
        return super().get_context_data(**kwargs) | {FIELD: self.request.POST.get(FIELD, "")}

    def _kept(self) -> HttpResponse | None:
        form = unsealed(self.request.POST.get(FIELD, ""), path=self.get_redirect_url())
        return None if form is None else hand_back(self.request, form)


class OwnPasswordView(PasswordChangeView):
    """The page to change one's own password (``/accounts/password/``).

    It is also for users without access to the admin. The session stays signed in.
    """

    form_class = OwnPasswordForm
    template_name = "portal/own_password.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: Any) -> HttpResponse:
        """Set the password and show a message."""
        response = super().form_valid(form)
        messages.success(self.request, _("Your password was changed."))
        return response
