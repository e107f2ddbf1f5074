"""The addresses of the pages. Each leads to something an operator can bookmark."""

from django.urls import path, re_path

from portal.pages import search as search_views
from portal.pages.changes import ChangeDetail, changes, runbook_history
from portal.pages.landscape import ClusterDetail, LayerDetail, landscape
from portal.pages.reports import FindingList, overdue_report, readiness_report
from portal.pages.runbooks import (
    RunbookDetail,
    RunbookList,
    document_at_path,
    runbook_difference,
    runbook_version,
    runbook_versions,
)
from portal.pages.sign_offs import SignOffDetail, sign_offs, signed_document
from portal.pages.situations import SituationDetail, SituationList, alert

urlpatterns = [
    path("search/", search_views.search, name="search"),
    path("search/suggestions/", search_views.suggestions, name="search-suggestions"),
    path("situations/", SituationList.as_view(), name="situations"),
    path("situations/<slug:slug>/", SituationDetail.as_view(), name="situation"),
    # Whatever stands behind it: an operator with an alert never meets a 404. The second one is what
    # ``reverse`` gives.
    re_path(r"^a/(?P<labels>(?s:.*))\Z", alert, name="alert"),
    path("a/", alert, name="alert"),
    path("runbooks/", RunbookList.as_view(), name="runbooks"),
    path("runbooks/<slug:slug>/", RunbookDetail.as_view(), name="runbook"),
    path(
        "runbooks/<slug:slug>/diff/<str:before>..<str:after>/",
        runbook_difference,
        name="runbook-difference",
    ),
    path("runbooks/<slug:slug>/versions/", runbook_versions, name="runbook-versions"),
    path("runbooks/<slug:slug>/versions/<slug:sha256>/", runbook_version, name="runbook-version"),
    path("documents/<path:document_path>", document_at_path, name="document"),
    path("clusters/<slug:slug>/", ClusterDetail.as_view(), name="cluster"),
    path("layers/<slug:slug>/", LayerDetail.as_view(), name="layer"),
    path("landscape/", landscape, name="landscape"),
    path("changes/", changes, name="changes"),
    path("changes/<int:sequence>/", ChangeDetail.as_view(), name="change"),
    path("sign-offs/", sign_offs, name="sign-offs"),
    path("sign-offs/<int:pk>/", SignOffDetail.as_view(), name="sign-off"),
    path("sign-offs/<int:pk>/document/", signed_document, name="sign-off-document"),
    path("reports/readiness/", readiness_report, name="readiness-report"),
    path("reports/overdue/", overdue_report, name="overdue-report"),
    path("reports/findings/", FindingList.as_view(), name="findings"),
    path("runbooks/<slug:slug>/history/", runbook_history, name="runbook-history"),
]
