"""The host's part in HTTP streaming: it sends the request itself to the web server that the worker has announced."""

from __future__ import annotations

import http.client
import time
from urllib.parse import urlsplit

PATIENCE = 30.0


def forward(uri: str, request: dict) -> dict:
    """Send a request on and return what comes back, whole: the worker starts its server in the background."""
    target, end = urlsplit(request["http"]["url"]), time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection(urlsplit(uri).netloc, timeout=PATIENCE)
        try:
            connection.request(
                request["http"]["method"],
                f"{target.path}?{target.query}",
                body=request["http"]["body"],
                headers={**request["http"]["headers"], "x-ms-invocation-id": request["id"]},
            )
            response = connection.getresponse()
            body = response.read().decode()
            return {"status": response.status, "body": body, "headers": dict(response.getheaders())}
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        finally:
            connection.close()
