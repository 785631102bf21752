"""Invocations of functions with an HTTP trigger, for the tests of tracing."""

from __future__ import annotations

import asyncio

import azure.functions as func

from ext_sdk.function import Trigger

ITEMS = Trigger("req", "httpTrigger", {"type": "httpTrigger", "route": "items/{id}"})
TRACE, PARENT = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331


def request(method: str = "GET", url: str = "http://localhost:7071/api/items/7?code=secret") -> func.HttpRequest:
    return func.HttpRequest(method, url=url, headers={"User-Agent": "curl"}, body=b"")


def sync_and_async(function):
    """Return the function in both forms."""

    async def asynchronous(req, context):
        await asyncio.sleep(0)
        return function(req, context)

    def synchronous(req, context):
        return function(req, context)

    return synchronous, asynchronous
