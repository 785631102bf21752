import logging
import os
import time
import urllib.request

import azure.functions as func
import shop

from ext_telemetry import TelemetryExtension

logger = logging.getLogger(__name__)

TelemetryExtension.configure()

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="orders/{article}", methods=["POST"])
def orders(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    article, amount = req.route_params["article"], int(req.params.get("amount", 1))
    logger.info("order of %d %s", amount, article, extra={"article": article})
    # A call that no instrumentation knows.
    with context.telemetry.track_dependency("take from stock", "Warehouse", "warehouse.example.com") as dependency:
        try:
            shop.take(article, amount)
        except shop.SoldOutError:
            # Handled, so the function does not fail: the exception that is being handled is sent.
            context.telemetry.track_exception(properties={"article": article})
            dependency.success = False
            return func.HttpResponse(f"no {article} left", status_code=409)
    return func.HttpResponse(f"{amount} {article}", status_code=201)


@app.route(route="ping")
async def ping(req: func.HttpRequest, context: func.Context) -> str:
    context.telemetry.track_metric("waiting", 3, kind="gauge")
    context.telemetry.track_metric("size of orders", 2, kind="histogram")
    context.telemetry.track_metric("size of orders", 5, kind="histogram")
    return "pong"


@app.route(route="front_page")
def front_page(req: func.HttpRequest, context: func.Context) -> str:
    started = time.perf_counter()
    try:
        urllib.request.urlopen(os.environ["SHOP_URL"], timeout=10).close()
    except OSError as error:
        context.telemetry.track_availability("front page", time.perf_counter() - started, False, str(error))
        return "down"
    context.telemetry.track_availability("front page", time.perf_counter() - started)
    return "up"
