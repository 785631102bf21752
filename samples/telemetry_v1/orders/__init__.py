import logging

import azure.functions as func
import shop

from ext_telemetry import TelemetryExtension

logger = logging.getLogger(__name__)

TelemetryExtension.configure()


def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
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
