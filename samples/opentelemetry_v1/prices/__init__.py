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


def main(req: func.HttpRequest) -> str:
    article = req.route_params["article"]
    # The span that is current here is the invocation's own.
    trace.get_current_span().set_attribute("shop.article", article)
    with tracer.start_as_current_span("ask the warehouse") as span:
        answer = requests.get(os.environ["BACKEND_URL"], timeout=10)
        span.set_attribute("shop.in_stock", answer.ok)
    asked.add(1, {"shop.article": article})
    return "12 crowns"
