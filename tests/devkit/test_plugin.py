"""The pytest plugin: apps, a local Application Insights and isolation as fixtures. Loaded by its entry point."""

from __future__ import annotations

import logging
import os
import sys

import azure.functions as func
import pytest

from ext_devkit.apptest import AppUnderTest
from ext_devkit.errors import DevkitError
from ext_devkit.insights.server import InsightsServer
from ext_sdk import AppExtension, extensions
from ext_sdk.testing import run, trigger

V2 = """
import asyncio, json, logging, os, typing
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="orders/{article}", methods=["GET", "POST"])
def orders(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    logging.getLogger("shop").warning("an order of %s", req.route_params["article"])
    body = {"url": req.url, "method": req.method, "article": req.route_params["article"], "id": context.invocation_id}
    return func.HttpResponse(json.dumps({**body, **req.params}), status_code=201, headers={"X-Shop": "1"})


@app.route(route="fails")
async def fails(req: func.HttpRequest) -> str:
    await asyncio.sleep(0)
    raise KeyError(os.environ.get("SHOP", "none"))


@app.queue_trigger(arg_name="msg", queue_name="orders", connection="Q")
@app.blob_output(arg_name="receipt", path="receipts/{id}", connection="Q")
def work(msg: func.QueueMessage, receipt: func.Out[str]) -> None:
    receipt.set(f"{msg.id} {msg.dequeue_count} {msg.get_body().decode()}")


@app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
async def nightly(timer: func.TimerRequest) -> None:
    logging.getLogger("shop").warning("past due: %s", timer.past_due)


@app.event_hub_message_trigger(arg_name="events", event_hub_name="e", connection="E", cardinality=func.Cardinality.MANY)
def counts(events: typing.List[func.EventHubEvent]) -> None:
    logging.getLogger("shop").warning("%s", [one.get_body().decode() for one in events])


@app.blob_trigger(arg_name="picture", path="pictures/{name}", connection="Q")
@app.blob_input(arg_name="frame", path="frames/one", connection="Q")
def framed(picture: func.InputStream, frame: str) -> None:
    logging.getLogger("shop").warning("%s in %s", picture.name, frame)
"""


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(V2)
    return tmp_path


def test_a_function_is_invoked_by_name_through_its_route(function_app, shop):
    answer = function_app(shop).invoke("orders", method="POST", route_params={"article": "tea"}, params={"page": "2"})
    assert (answer.status, answer.headers["x-shop"]) == (201, "1")
    assert answer.json() == {
        "url": "http://localhost:7071/api/orders/tea?page=2", "method": "POST", "article": "tea", "page": "2",
        "id": answer.invocation_id,
    }  # fmt: skip
    assert isinstance(answer.value, func.HttpResponse)
    assert answer.messages == ["an order of tea"]


def test_an_async_function_that_raises_answers_500_with_its_error(function_app, shop):
    answer = function_app(shop, settings={"SHOP": "corner"}).invoke("fails")
    assert (answer.status, answer.body, repr(answer.error)) == (500, b"", "KeyError('corner')")


def test_a_message_is_a_real_one_and_outputs_are_told(function_app, shop):
    answer = function_app(shop).invoke("work", body="tea", id="7", dequeue_count=3)
    assert answer.error is None
    assert answer.outputs == {"receipt": "7 3 tea"}
    assert answer.status is None


def test_a_timer_a_batch_and_a_blob_with_an_input(function_app, shop):
    app = function_app(shop)
    assert app.invoke("nightly", past_due=True).messages == ["past due: True"]
    assert app.invoke("counts", cardinality="many", bodies=["a", "b"]).messages == ["['a', 'b']"]
    assert app.invoke("counts", body="a").messages == ["['a']"], "the binding says that it is a batch"
    answer = app.invoke("framed", path="pictures/cat.png", inputs={"frame": "gold"})
    assert (answer.error, answer.messages) == (None, ["pictures/cat.png in gold"])


def test_what_starts_it_may_be_made_before(function_app, shop):
    sent = trigger("queue", body="milk", name="msg")
    assert function_app(shop).invoke("work", sent).outputs == {"receipt": "1 1 milk"}


def test_the_extensions_that_the_app_imports_are_active_and_no_others(function_app, shop):
    (shop / "function_app.py").write_text(f"from ext_timing import TimingExtension\n{V2}")

    class Others(AppExtension):
        pass

    app = function_app(shop)
    assert [one.name for one in extensions()] == ["TimingExtension"]
    answer = app.invoke("orders", route_params={"article": "tea"})
    assert answer.headers["server-timing"].startswith("function;dur=")
    app.close()
    assert "Others" in [one.name for one in extensions()]


def test_each_test_has_its_app_anew(function_app, shop):
    function_app(shop, settings={"SHOP": "one"})
    app = function_app(shop)
    assert repr(app.invoke("fails").error) == "KeyError('none')"
    app.close()
    app.close()
    assert "SHOP" not in os.environ
    assert "function_app" not in sys.modules


def test_a_function_that_is_not_there_is_named_with_those_that_are(function_app, shop):
    app = function_app(shop)
    with pytest.raises(DevkitError) as caught:
        app.invoke("order")
    assert str(caught.value) == (
        f"{shop.name} has no function 'order'. It has: orders, fails, work, nightly, counts, framed."
    )
    assert app.functions == ["orders", "fails", "work", "nightly", "counts", "framed"]


FURTHER = """
@app.queue_trigger(arg_name="msg", queue_name="orders", connection="Q")
def text(msg: str) -> None:
    logging.getLogger("shop").warning("%s", msg)


@app.service_bus_queue_trigger(arg_name="msgs", queue_name="orders", connection="Q", cardinality="many")
def many(msgs: list[func.ServiceBusMessage]) -> None: ...
"""


def test_an_optional_parameter_of_a_route_may_be_left_out(function_app, shop):
    (shop / "function_app.py").write_text(V2.replace("orders/{article}", "orders/{article}/{page:int?}"))
    app = function_app(shop)
    urls = [app.invoke("Orders", route_params={"article": "tea", **page}).json()["url"] for page in ({}, {"page": 2})]
    assert urls == ["http://localhost:7071/api/orders/tea", "http://localhost:7071/api/orders/tea/2"]


def test_a_message_is_text_if_the_function_asks_for_text(function_app, shop):
    (shop / "function_app.py").write_text(V2 + FURTHER)
    assert function_app(shop).invoke("text", body="tea").messages == ["tea"]


def test_a_function_that_does_not_fit_its_bindings_says_why_when_it_is_invoked(function_app, shop):
    (shop / "function_app.py").write_text(V2 + FURTHER)
    with pytest.raises(DevkitError) as caught:
        function_app(shop).invoke("many")
    assert str(caught.value) == (
        "Function 'many' cannot be invoked: function_app.py: function 'many': the input binding 'msgs' "
        "(serviceBusTrigger) does not take the annotation list[azure.functions._servicebus.ServiceBusMessage]. "
        "Write typing.List[...] for it."
    )


def test_a_function_that_is_switched_off_is_said_to_be(function_app, shop):
    app = function_app(shop, settings={"AzureWebJobs.work.Disabled": "true"})
    with pytest.raises(DevkitError) as caught:
        app.invoke("work")
    assert str(caught.value) == "Function 'work' cannot be invoked: it is disabled."


def test_an_app_that_cannot_be_loaded_says_why_and_leaves_nothing(function_app, tmp_path):
    (tmp_path / "function_app.py").write_text("import nothing_like_it")
    (tmp_path / "host.json").write_text("{}")
    before = dict(os.environ)
    with pytest.raises(DevkitError, match="nothing_like_it"):
        function_app(tmp_path)
    assert dict(os.environ) == before


def test_telemetry_of_the_app_is_in_the_local_application_insights(function_app, insights, shop):
    (shop / "function_app.py").write_text(
        f"from ext_opentelemetry import OpenTelemetryExtension\nOpenTelemetryExtension.configure(journal=False)\n{V2}"
    )
    app = function_app(shop)
    app.invoke("orders", route_params={"article": "tea"})
    assert app.flush()
    (row,) = insights.wait_for("requests", 1)
    assert (row["name"], row["resultCode"]) == ("GET /api/orders/{article}", "201")


@pytest.fixture
def closings(monkeypatch):
    """What is closed, in that order, until everything else of a test is."""
    happened = []

    def note(owner, end):
        original = getattr(owner, end)
        monkeypatch.setattr(owner, end, lambda *args: (happened.append(owner.__name__), original(*args)))

    note(AppUnderTest, "close")
    note(InsightsServer, "__exit__")
    yield
    assert happened == ["AppUnderTest", "InsightsServer"]


def test_an_app_is_closed_before_the_application_insights_that_it_sends_to(closings, function_app, insights, shop):
    """Whichever of the two fixtures a test names first: what the app still holds must find somebody who takes it."""
    function_app(shop)


def test_extensions_are_isolated(isolated_extensions):
    assert extensions() == []

    class Stamp(AppExtension):
        @classmethod
        def around_invocation(cls, invocation):
            invocation.attributes["seen"] = True
            yield

    assert run(lambda: None).attributes == {"seen": True}
    isolated_extensions()
    assert extensions() == []
    logging.getLogger().addHandler(logging.NullHandler())
    isolated_extensions(Stamp)
    assert [one.name for one in extensions()] == ["Stamp"]


@pytest.mark.parametrize("sample", ["http_v1", "http_v2"])
def test_the_samples_run_in_it(function_app, sample, monkeypatch):
    from tests.support.backend import backend
    from tests.support.snapshots import SAMPLES

    with backend() as service:
        monkeypatch.setenv("BACKEND_URL", service.url)
        app = function_app(SAMPLES / sample)
        name = "HttpTrigger" if sample == "http_v1" else "backend"
        assert app.invoke(name).json()["response"] == 200
