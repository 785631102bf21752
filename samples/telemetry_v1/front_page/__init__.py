import os
import time
import urllib.request

import azure.functions as func


def main(req: func.HttpRequest, context: func.Context) -> str:
    # context.telemetry is there in each function of the app, whichever file imports the extension.
    started = time.perf_counter()
    try:
        urllib.request.urlopen(os.environ["SHOP_URL"], timeout=10).close()
    except OSError as error:
        context.telemetry.track_availability("front page", time.perf_counter() - started, False, str(error))
        return "down"
    context.telemetry.track_availability("front page", time.perf_counter() - started)
    return "up"
