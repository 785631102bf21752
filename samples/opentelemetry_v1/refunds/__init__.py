import azure.functions as func
from opentelemetry import trace

tracer = trace.get_tracer(__name__)


def main(req: func.HttpRequest) -> func.HttpResponse:
    with tracer.start_as_current_span("refund") as span:
        try:
            raise ValueError("the order was never paid")
        except ValueError as error:
            # Handled, so the function does not fail, and the span says all the same what happened.
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, str(error))
            return func.HttpResponse(str(error), status_code=409)
