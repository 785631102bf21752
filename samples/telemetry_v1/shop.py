"""What the functions do; it knows nothing of Azure Functions."""

from ext_telemetry import track_event, track_metric

STOCK = {"tea": 12, "cups": 0}


class SoldOutError(Exception):
    """There is too little of something."""


def take(article: str, amount: int) -> None:
    """Take an amount of an article off the stock."""
    if STOCK[article] < amount:
        raise SoldOutError(f"{amount} of {article} were ordered, there are {STOCK[article]}")
    # Away from the function the same calls are functions of the module.
    track_event("order placed", {"article": article}, {"amount": amount})
    track_metric("articles sold", amount, {"article": article}, kind="counter")
