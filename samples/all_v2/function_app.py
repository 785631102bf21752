import logging
import os

import azure.functions as func
import requests

import extensions  # noqa: F401 - to import it is to set them up

logger = logging.getLogger(__name__)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="orders/{article}", methods=["POST"])
def orders(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    article = req.route_params["article"]
    logger.info("an order of %s", article, extra={"article": article})
    with context.tracer.span("check the stock") as span:
        span.add_attribute("article", article)
        requests.get(os.environ["BACKEND_URL"], timeout=10)
    context.telemetry.track_event("order placed", {"article": article})
    return func.HttpResponse(f"1 {article}", status_code=201)


@app.route(route="cancel", methods=["POST"])
async def cancel(req: func.HttpRequest, context: func.Context) -> str:
    with context.tracer.span("find the order"):
        raise LookupError("there is no such order")
