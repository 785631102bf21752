import asyncio
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

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.function_name("HttpTrigger")
@app.route(route="HttpTrigger", methods=["GET", "POST"])
def http_trigger(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
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


@app.function_name("HttpRaises")
@app.route(route="HttpRaises", methods=["GET", "POST"])
def http_raises(req: func.HttpRequest, context: func.Context) -> str:
    with context.tracer.span("check order") as span:
        span.add_attribute("order", 7)
        span.add_annotation("not in the warehouse", shelf="B")
        raise LookupError("there is no order 7")


@app.route(route="brew", methods=["POST"])
async def brew(req: func.HttpRequest, context: func.Context) -> str:
    async def step(name: str) -> None:
        with context.tracer.span(name):
            await asyncio.sleep(0.01)

    # Spans side by side: both are inside of "brew", not one inside of the other.
    with context.tracer.span("brew"):
        await asyncio.gather(step("grind beans"), step("heat water"))
    return "ready"
