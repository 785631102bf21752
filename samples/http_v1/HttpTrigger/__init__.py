import logging
import os

import azure.functions as func
import requests
from shared_code.answers import as_json

from ext_opentelemetry import OpenTelemetryExtension
from ext_timing import TimingExtension

logger = logging.getLogger(__name__)

# Both hold for the whole app, whichever function they stand in.
OpenTelemetryExtension.configure()
TimingExtension.configure(slow_ms=1000)


def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logger.info("Executing HttpTrigger with a tracer")

    # Calls with requests inside of this block become its children.
    with context.tracer.span("parent"):
        response = requests.get(os.environ["BACKEND_URL"], timeout=10)

    return as_json(
        {
            "method": req.method,
            "response": response.status_code,
            "ctx_func_name": context.function_name,
            "ctx_func_dir": context.function_directory,
            "ctx_invocation_id": context.invocation_id,
            "ctx_trace_context_Traceparent": context.trace_context.Traceparent,
            "ctx_trace_context_Tracestate": context.trace_context.Tracestate,
        }
    )
