import json
import logging
import os

import azure.functions as func
import requests
from orders import orders

from ext_opentelemetry import OpenTelemetryExtension
from ext_timing import TimingExtension

logger = logging.getLogger(__name__)

# Both hold for the whole app, blueprints included.
OpenTelemetryExtension.configure()
TimingExtension.configure(slow_ms=1000)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(orders)


@app.route(route="backend", methods=["GET", "POST"])
def backend(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Call the backend, as HttpTrigger of the sample http_v1 does."""
    logger.info("Calling the backend")

    with context.tracer.span("parent"):
        response = requests.get(os.environ["BACKEND_URL"], timeout=10)

    return func.HttpResponse(
        json.dumps(
            {
                "method": req.method,
                "response": response.status_code,
                "ctx_func_name": context.function_name,
                "ctx_invocation_id": context.invocation_id,
                "ctx_trace_context_Traceparent": context.trace_context.Traceparent,
            }
        ),
        mimetype="application/json",
    )
