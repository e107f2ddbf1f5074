"""The catalogue's addresses. Each leads to something an operator can bookmark."""

from django.urls import path, re_path

from runbooks import views
from runbooks.search import views as search_views

urlpatterns = [
    path("search/", search_views.search, name="search"),
    path("search/suggestions/", search_views.suggestions, name="search-suggestions"),
    path("situations/", views.SituationList.as_view(), name="situations"),
    path("situations/<slug:slug>/", views.SituationDetail.as_view(), name="situation"),
    # Whatever stands behind it: an operator with an alert never meets a 404. The second one is what ``reverse`` gives.
    re_path(r"^a/(?P<labels>(?s:.*))\Z", views.alert, name="alert"),
    path("a/", views.alert, name="alert"),
    path("runbooks/", views.RunbookList.as_view(), name="runbooks"),
    path("runbooks/<slug:slug>/", views.RunbookDetail.as_view(), name="runbook"),
    path("runbooks/<slug:slug>/diff/<str:before>..<str:after>/", views.runbook_difference, name="runbook-difference"),
    path("runbooks/<slug:slug>/versions/", views.runbook_versions, name="runbook-versions"),
    path("runbooks/<slug:slug>/versions/<slug:sha256>/", views.runbook_version, name="runbook-version"),
    path("documents/<path:document_path>", views.document_at_path, name="document"),
    path("clusters/<slug:slug>/", views.ClusterDetail.as_view(), name="cluster"),
    path("layers/<slug:slug>/", views.LayerDetail.as_view(), name="layer"),
    path("landscape/", views.landscape, name="landscape"),
]
