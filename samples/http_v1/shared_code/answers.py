"""What the functions of this app have in common."""

import json
from typing import Any

import azure.functions as func


def as_json(value: Any) -> func.HttpResponse:
    """Return a value as a JSON response."""
    return func.HttpResponse(json.dumps(value), mimetype="application/json")
