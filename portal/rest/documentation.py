"""``/api/docs/``."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator


def api_documentation(request: HttpRequest) -> HttpResponse:
    """``/api/docs/``: the OpenAPI schema as a plain page, readable without JavaScript."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    routes = [
        {
            "path": path,
            "description": operation.get("description", ""),
            "parameters": operation.get("parameters", []),
        }
        for path, operations in schema["paths"].items()
        for operation in operations.values()
    ]
    return render(request, "portal/api_documentation.html", {"routes": routes})
