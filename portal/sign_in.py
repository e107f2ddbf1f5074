"""The pages around signing in: the sign-in itself, and one's own password."""

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
    """``/login/``: whoever sent a form after the session had ended gets it back."""

    template_name = "portal/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the request; who has signed in elsewhere meanwhile gets the form back as well."""
        if request.method == "POST" and request.user.is_authenticated:
            kept = self._kept()
            if kept is not None:
                return kept
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, then go on, or hand back what was typed."""
        response = super().form_valid(form)
        return self._kept() or response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """A wrong password does not lose what was typed."""
        return super().get_context_data(**kwargs) | {FIELD: self.request.POST.get(FIELD, "")}

    def _kept(self) -> HttpResponse | None:
        form = unsealed(self.request.POST.get(FIELD, ""), path=self.get_redirect_url())
        return None if form is None else hand_back(self.request, form)


class OwnPasswordView(PasswordChangeView):
    """``/accounts/password/``: one's own password, also for who has no way into the admin.

    The session stays.
    """

    form_class = OwnPasswordForm
    template_name = "portal/own_password.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: Any) -> HttpResponse:
        """Set it, and say so."""
        response = super().form_valid(form)
        messages.success(self.request, _("Your password was changed."))
        return response
