"""Addresses of the pages. An operator can bookmark each of them.

Pages that can show only the present are wrapped in ``now_only``.
"""

from django.urls import path, re_path

from portal.pages import search as search_views
from portal.pages.as_of import now_only
from portal.pages.changes import ChangeDetail, changes, runbook_history
from portal.pages.documents import document_at_path
from portal.pages.landscape import ClusterDetail, LayerDetail, landscape
from portal.pages.reports import FindingList, overdue_report, readiness_report
from portal.pages.runbooks import (
    RunbookDetail,
    RunbookList,
    runbook_difference,
    runbook_version,
    runbook_versions,
)
from portal.pages.sign_offs import SignOffDetail, sign_offs, signed_document
from portal.pages.situations import SituationDetail, SituationList, alert

urlpatterns = [
    path("search/", now_only(search_views.search), name="search"),
    path("search/suggestions/", now_only(search_views.suggestions), name="search-suggestions"),
    path("situations/", now_only(SituationList.as_view()), name="situations"),
    path("situations/<slug:slug>/", now_only(SituationDetail.as_view()), name="situation"),
    # Anything may follow ``a/``, so that an operator with an alert never gets a 404. ``reverse``
    # gives the second address.
    re_path(r"^a/(?P<labels>(?s:.*))\Z", now_only(alert), name="alert"),
    path("a/", now_only(alert), name="alert"),
    path("runbooks/", RunbookList.as_view(), name="runbooks"),
    path("runbooks/<slug:slug>/", RunbookDetail.as_view(), name="runbook"),
    path(
        "runbooks/<slug:slug>/diff/<str:before>..<str:after>/",
        now_only(runbook_difference),
        name="runbook-difference",
    ),
    path("runbooks/<slug:slug>/versions/", now_only(runbook_versions), name="runbook-versions"),
    path(
        "runbooks/<slug:slug>/versions/<slug:sha256>/",
        now_only(runbook_version),
        name="runbook-version",
    ),
    path("documents/<path:document_path>", now_only(document_at_path), name="document"),
    path("clusters/<slug:slug>/", now_only(ClusterDetail.as_view()), name="cluster"),
    path("layers/<slug:slug>/", now_only(LayerDetail.as_view()), name="layer"),
    path("landscape/", now_only(landscape), name="landscape"),
    path("changes/", now_only(changes), name="changes"),
    path("changes/<int:sequence>/", now_only(ChangeDetail.as_view()), name="change"),
    path("sign-offs/", now_only(sign_offs), name="sign-offs"),
    path("sign-offs/<int:pk>/", now_only(SignOffDetail.as_view()), name="sign-off"),
    path("sign-offs/<int:pk>/document/", now_only(signed_document), name="sign-off-document"),
    path("reports/readiness/", readiness_report, name="readiness-report"),
    path("reports/overdue/", now_only(overdue_report), name="overdue-report"),
    path("reports/findings/", now_only(FindingList.as_view()), name="findings"),
    path("runbooks/<slug:slug>/history/", now_only(runbook_history), name="runbook-history"),
]
