import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import azure.functions as func
import requests

from ext_sdk import propagate
from ext_telemetry import TelemetryExtension
from ext_timing import FunctionTimer, TimingExtension, phase

TelemetryExtension.configure()
TimingExtension.configure(slow_ms=5000)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

# What it runs belongs to the invocation that submitted it.
pool = propagate(ThreadPoolExecutor(2))

# The line, the header and the percentiles of this one function are told by its own timer.
timer = FunctionTimer(slow_ms=1)


@phase("render")
def render(article: str, prices: list[int]) -> str:
    return f"{article} costs {min(prices)}"


@phase("price")
def price_of(shop: str) -> int:
    return len(shop)


@app.route(route="orders/{article}", methods=["POST"])
def orders(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    timing = context.app_ext_attributes["timing"]
    article = req.route_params["article"]
    with timing.phase("stock"):
        with timing.phase("ask"):  # told as stock.ask
            requests.get(os.environ["BACKEND_URL"], timeout=10)
        prices = list(pool.map(price_of, ["north", "south"]))
    return func.HttpResponse(render(article, prices), status_code=201)


@app.route(route="suggestions")
async def suggestions(req: func.HttpRequest) -> func.HttpResponse:
    @phase("source")
    async def source(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    with phase("collect"):
        found = await asyncio.gather(source(0.01), source(0.02))
    return func.HttpResponse(f"{len(found)} suggestions")


@app.route(route="report")
@timer
def report(req: func.HttpRequest) -> func.HttpResponse:
    with phase("sum"):
        total = sum(range(500_000))
    return func.HttpResponse(str(total))
