"""The demo's function app: one function that calls another service, one that raises, one that is async."""  # noqa: INP001

# Type checkers do not know `context.tracer`, which the extension puts there:
# mypy: ignore-errors

import asyncio
import os

import azure.functions as func
import requests

from ext_opentelemetry import OpenTelemetryExtension
from ext_timing import TimingExtension

OpenTelemetryExtension.configure()
TimingExtension.configure()

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("greet/{name}", methods=["GET"])
def greet(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Ask the greeting service, and greet."""
    with context.tracer.span("find a greeting"):
        answer = requests.get(os.environ["GREETING_SERVICE"], timeout=10)
        answer.raise_for_status()
    return func.HttpResponse(f"{answer.text}, {req.route_params['name']}!")


@app.route("withdraw/{amount}", methods=["GET"])
def withdraw(req: func.HttpRequest) -> func.HttpResponse:
    """Fail, as functions do."""
    raise ValueError(f"There are 10 coins, {req.route_params['amount']} cannot be withdrawn.")


@app.route("together", methods=["GET"])
async def together(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Do several things at once."""

    async def part(name: str) -> str:
        with context.tracer.span(name):
            await asyncio.sleep(0.02)
        return name

    names = req.params.get("parts", "tea,cake").split(",")
    return func.HttpResponse(" and ".join(await asyncio.gather(*map(part, names))))
