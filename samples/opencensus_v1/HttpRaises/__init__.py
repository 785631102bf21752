import azure.functions as func


def main(req: func.HttpRequest, context: func.Context) -> str:
    # The extension is at work here as well, although another function imports it.
    with context.tracer.span("check order") as span:
        span.add_attribute("order", 7)
        span.add_annotation("not in the warehouse", shelf="B")
        raise LookupError("there is no order 7")
