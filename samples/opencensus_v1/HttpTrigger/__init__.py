import json
import logging
import os

import azure.functions as func
import requests
from opencensus.trace import config_integration

from ext_opencensus import OpenCensusExtension

logger = logging.getLogger(__name__)

config_integration.trace_integrations(["requests"])

OpenCensusExtension.configure()


def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logger.info("Executing HttpTrigger with OpenCensus extension")

    # You must use context.tracer to create spans
    with context.tracer.span("parent"):
        response = requests.get(os.environ["BACKEND_URL"], timeout=10)

    return func.HttpResponse(
        json.dumps(
            {
                "method": req.method,
                "response": response.status_code,
                "ctx_func_name": context.function_name,
                "ctx_func_dir": context.function_directory,
                "ctx_invocation_id": context.invocation_id,
                "ctx_trace_context_Traceparent": context.trace_context.Traceparent,
                "ctx_trace_context_Tracestate": context.trace_context.Tracestate,
            }
        ),
        mimetype="application/json",
    )
