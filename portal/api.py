"""The REST API, put together under ``/api/``."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter

from governance.api import answers
from governance.api import views as governance
from governance.api.past import RunbookOrThenViewSet
from portal.views import api_documentation
from runbooks.api import views as catalogue
from runbooks.api.views import SLUG

router = DefaultRouter()
router.register("runbooks", RunbookOrThenViewSet, "api-runbook")
router.register("clusters", catalogue.ClusterViewSet, "api-cluster")
router.register("layers", catalogue.LayerViewSet, "api-layer")
router.register("sections", catalogue.SectionViewSet, "api-section")
router.register("situations", catalogue.SituationViewSet, "api-situation")
router.register("code-references", catalogue.CodeReferenceViewSet, "api-code-reference")
router.register("changes", governance.ChangeViewSet, "api-change")
router.register("sign-off-requests", governance.StatusChangeRequestViewSet, "api-sign-off-request")
router.register("findings", governance.FindingViewSet, "api-finding")

urlpatterns = [
    re_path(rf"^v1/runbooks/(?P<slug>{SLUG})/verdict/$", answers.VerdictView.as_view(), name="api-runbook-verdict"),
    path("v1/resolve/", answers.ResolveView.as_view(), name="api-resolve"),
    path("v1/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", api_documentation, name="api-docs"),
]
