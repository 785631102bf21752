import asyncio

import azure.functions as func
import shared_code.timing  # noqa: F401 - to import it is to set it up

from ext_timing import phase


@phase("source")
async def source(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


async def main(req: func.HttpRequest) -> func.HttpResponse:
    with phase("collect"):
        found = await asyncio.gather(source(0.01), source(0.02))
    return func.HttpResponse(f"{len(found)} suggestions")
