"""Routes of the REST API under ``/api/``."""

from django.urls import URLPattern, include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView

from portal.rest import catalogue, governance, verdict
from portal.rest.catalogue import SLUG
from portal.rest.documentation import api_documentation
from portal.rest.runbooks import RunbookViewSet

router = DefaultRouter()
router.register("runbooks", RunbookViewSet, "api-runbook")
router.register("clusters", catalogue.ClusterViewSet, "api-cluster")
router.register("layers", catalogue.LayerViewSet, "api-layer")
router.register("sections", catalogue.SectionViewSet, "api-section")
router.register("situations", catalogue.SituationViewSet, "api-situation")
router.register("code-references", catalogue.CodeReferenceViewSet, "api-code-reference")
router.register("changes", governance.ChangeViewSet, "api-change")
router.register("sign-off-requests", governance.StatusChangeRequestViewSet, "api-sign-off-request")
router.register("findings", governance.FindingViewSet, "api-finding")


def _with_or_without_slash(address: str, view: type[APIView], name: str) -> list[URLPattern]:
    """Return an address with and without its final slash.

    A redirect between them would count as success for ``curl --fail``. ``reverse`` and the schema
    use the address with the slash.
    """
    return [
        re_path(f"{address}$", view.as_view(schema=None), name=name),
        re_path(f"{address}/$", view.as_view(), name=name),
    ]


urlpatterns = [
    *_with_or_without_slash(
        rf"^v1/runbooks/(?P<slug>{SLUG})/gate", verdict.GateView, "api-runbook-gate"
    ),
    *_with_or_without_slash(
        rf"^v1/runbooks/(?P<slug>{SLUG})/verdict", verdict.VerdictView, "api-runbook-verdict"
    ),
    *_with_or_without_slash("^v1/resolve", verdict.ResolveView, "api-resolve"),
    path("v1/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", api_documentation, name="api-docs"),
]
