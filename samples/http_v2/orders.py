"""A blueprint: functions that the app takes up with `register_functions`."""

import asyncio
import json

import azure.functions as func

ORDERS = {1: "two cups of tea", 2: "a teapot"}

orders = func.Blueprint()


@orders.route(route="orders/{id:int}", methods=["GET"])
def read_order(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with an order; for an unknown one it raises, which the host turns into a 500."""
    number = int(req.route_params["id"])
    return func.HttpResponse(json.dumps({"order": number, "content": ORDERS[number]}), mimetype="application/json")


@orders.route(route="brew", methods=["POST"])
async def brew(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Do two things at once; each has a span of its own under the function's."""
    cups = req.get_json()["cups"]

    async def step(name: str) -> None:
        with context.tracer.span(name):
            await asyncio.sleep(0.01)

    await asyncio.gather(step("boil water"), step("warm the pot"))
    return func.HttpResponse(f"{cups} cups of tea", status_code=201)
