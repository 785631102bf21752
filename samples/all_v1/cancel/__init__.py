import azure.functions as func


async def main(req: func.HttpRequest, context: func.Context) -> str:
    with context.tracer.span("find the order"):
        raise LookupError("there is no such order")
