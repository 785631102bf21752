import asyncio
import os

import azure.functions as func
import requests
from opentelemetry import metrics, trace

from ext_opentelemetry import OpenTelemetryExtension

# For the whole app. Where telemetry goes says the app setting APPLICATIONINSIGHTS_CONNECTION_STRING.
OpenTelemetryExtension.configure(resource_attributes={"service.version": "1.4"})

# OpenTelemetry's own API: what makes spans and metrics need not know of this extension.
tracer = trace.get_tracer(__name__)
asked = metrics.get_meter(__name__).create_counter("prices.asked")

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="prices/{article}", methods=["GET"])
def prices(req: func.HttpRequest) -> str:
    article = req.route_params["article"]
    # The span that is current here is the invocation's own.
    trace.get_current_span().set_attribute("shop.article", article)
    with tracer.start_as_current_span("ask the warehouse") as span:
        answer = requests.get(os.environ["BACKEND_URL"], timeout=10)
        span.set_attribute("shop.in_stock", answer.ok)
    asked.add(1, {"shop.article": article})
    return "12 crowns"


@app.route(route="compare", methods=["GET"])
async def compare(req: func.HttpRequest) -> str:
    def ask(shop: str) -> int:
        with tracer.start_as_current_span(f"ask {shop}"):
            return requests.get(os.environ["BACKEND_URL"], timeout=10).status_code

    # In threads, both at the same time: `to_thread` takes the current span along.
    found = await asyncio.gather(*(asyncio.to_thread(ask, shop) for shop in ("north", "south")))
    return f"{len(found)} shops"


@app.route(route="refunds", methods=["POST"])
def refunds(req: func.HttpRequest) -> func.HttpResponse:
    with tracer.start_as_current_span("refund") as span:
        try:
            raise ValueError("the order was never paid")
        except ValueError as error:
            # Handled, so the function does not fail, and the span says all the same what happened.
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, str(error))
            return func.HttpResponse(str(error), status_code=409)
