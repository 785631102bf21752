import os

import azure.functions as func
import requests
from shared_code.timing import pool

from ext_timing import phase


@phase("render")
def render(article: str, prices: list[int]) -> str:
    return f"{article} costs {min(prices)}"


@phase("price")
def price_of(shop: str) -> int:
    return len(shop)


def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    timing = context.app_ext_attributes["timing"]
    article = req.route_params["article"]
    with timing.phase("stock"):
        with timing.phase("ask"):  # told as stock.ask
            requests.get(os.environ["BACKEND_URL"], timeout=10)
        prices = list(pool.map(price_of, ["north", "south"]))
    return func.HttpResponse(render(article, prices), status_code=201)
