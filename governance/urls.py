"""The addresses of what was decided."""

from django.urls import path

from governance import views

urlpatterns = [
    path("changes/", views.changes, name="changes"),
    path("changes/<int:sequence>/", views.ChangeDetail.as_view(), name="change"),
    path("sign-offs/", views.sign_offs, name="sign-offs"),
    path("sign-offs/<int:pk>/", views.SignOffDetail.as_view(), name="sign-off"),
    path("sign-offs/<int:pk>/document/", views.signed_document, name="sign-off-document"),
    path("reports/readiness/", views.readiness_report, name="readiness-report"),
    path("reports/overdue/", views.overdue_report, name="overdue-report"),
    path("reports/findings/", views.FindingList.as_view(), name="findings"),
    path("runbooks/<slug:slug>/history/", views.runbook_history, name="runbook-history"),
]
