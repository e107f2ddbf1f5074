"""The API documentation page (``/api/docs/``)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator


def api_documentation(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI schema as an HTML page that needs no JavaScript (``/api/docs/``)."""
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
