import azure.functions as func
from shared_code.answers import as_json

ORDERS = {1: "two cups of tea", 2: "a teapot"}


def read_order(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with an order; for an unknown one it raises, which the host turns into a 500."""
    number = int(req.route_params["id"])
    return as_json({"order": number, "content": ORDERS[number]})
