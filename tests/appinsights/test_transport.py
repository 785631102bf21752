"""What one request says of itself, where it goes, and that nothing else leaves the process."""

from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from ext_appinsights import ConnectionString, failures, transport
from ext_appinsights.failures import Failure
from ext_appinsights.transport import BODY_LIMIT, Transport
from tests.support.faulty import full_backlog
from tests.support.ingestion import KEY, Answer, IngestionServer

BODY = gzip.compress(b'{"name":"a"}')


@pytest.fixture
def transport_to():
    """A factory of transports to a server."""
    made = []

    def make(server: IngestionServer, path: str = "") -> Transport:
        made.append(Transport(ConnectionString(KEY, server.url + path), 20.0))
        return made[-1]

    yield make
    for used in made:
        used.close()


def test_a_request_names_its_sender_and_its_form(transport_to):
    """And nothing beyond what HTTP wants."""
    with IngestionServer() as server:
        transport_to(server).post(BODY)

        (request,) = server.requests
    assert request.path == "/v2.1/track"
    assert request.headers == {
        "host": f"127.0.0.1:{server.port}",
        "accept-encoding": "identity",
        "content-length": str(len(BODY)),
        "content-type": "application/x-json-stream",
        "content-encoding": "gzip",
        "accept": "application/json",
        "user-agent": f"azfunc-ext-appinsights/{version('azfunc-ext-appinsights')}",
    }


def test_a_sender_without_metadata_has_no_version(monkeypatch):
    """As when the package's folder was copied, and not installed."""

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert transport._user_agent() == "azfunc-ext-appinsights"


def test_what_nobody_thought_of_is_called_a_defect():
    """The items are kept all the same."""
    assert failures.words(KeyError("x")) == (
        "defect",
        "a defect of ext_appinsights, please report it (KeyError: 'x'); the items are kept and sent later.",
    )


def test_an_endpoint_may_have_a_path(transport_to):
    """As behind a gateway."""
    with IngestionServer() as server:
        transport_to(server, "/telemetry").post(BODY)

        assert server.requests[0].path == "/telemetry/v2.1/track"


def test_an_answer_is_read_up_to_a_limit(transport_to):
    """And the next request still works."""
    with IngestionServer(Answer(500, body=b"x" * (BODY_LIMIT + 100_000))) as server:
        sending = transport_to(server)

        assert len(sending.post(BODY).body) == BODY_LIMIT
        assert sending.post(BODY).status == 200


def test_a_compressed_answer_is_read(transport_to):
    """Though none is asked for."""
    errors = json.dumps({"errors": []}).encode()
    with IngestionServer(Answer(206, body=gzip.compress(errors), headers={"Content-Encoding": "gzip"})) as server:
        assert transport_to(server).post(BODY).body == errors


def test_an_address_that_swallows_packets_leaves_time_for_the_next(transport_to, monkeypatch):
    """As with a name that has an IPv6 address where IPv6 leads nowhere: one deadline is for both."""
    with full_backlog() as silent, IngestionServer() as server:
        sending = transport_to(server)
        sending.timeout = 1.0
        ports = [silent.getsockname()[1], server.port]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)

        assert sending.post(BODY).status == 200


@pytest.mark.parametrize("status", [307, 308])
def test_where_it_was_sent_is_remembered(transport_to, status: int):
    """Also over a second hop; the path is kept, and each host gets the whole body."""
    with IngestionServer() as last, IngestionServer() as middle, IngestionServer() as first:
        first.default = Answer(status, headers={"Location": f"{middle.url}/v2.1/track"})
        middle.default = Answer(status, headers={"Location": f"{last.url}/moved/v2.1/track"})
        sending = transport_to(first)

        assert [sending.post(BODY).status, sending.post(BODY).status] == [200, 200]
        assert [len(server.requests) for server in (first, middle, last)] == [1, 1, 2]
        assert {request.path for request in last.requests} == {"/moved/v2.1/track"}
        assert [item["name"] for item in first.items + middle.items + last.items] == ["a"] * 4


def test_it_is_forgotten_when_that_host_fails(transport_to):
    """The endpoint of the connection string says where to go next."""
    with IngestionServer() as first:
        with IngestionServer(Answer(), Answer(reset=True)) as moved:
            first.default = Answer(308, headers={"Location": moved.url})
            sending = transport_to(first)
            sending.post(BODY)
            with pytest.raises(Failure):
                sending.post(BODY)
        first.default = Answer()

        assert sending.post(BODY).status == 200
        assert len(first.requests) == 2


def test_a_ring_of_redirects_says_that_it_is_one(transport_to):
    """After five hops, over two hosts here."""
    with IngestionServer() as one, IngestionServer() as other:
        one.default = Answer(307, headers={"Location": other.url})
        other.default = Answer(307, headers={"Location": one.url})

        with pytest.raises(Failure) as caught:
            transport_to(one).post(BODY)
        assert len(one.requests) + len(other.requests) == 6
    assert (caught.value.kind, caught.value.what) == (
        "redirect",
        "it redirects more than 5 times in a row; the items are kept and sent later. "
        "Check IngestionEndpoint in the connection string, and proxies on the way.",
    )


def test_a_redirect_to_ever_new_addresses_costs_no_memory(transport_to):
    """Connections that are not used any more are closed."""
    with IngestionServer() as server:
        sending = transport_to(server)
        for number in range(50):
            server.script.append(Answer(307, headers={"Location": f"/{number}/v2.1/track"}))
            server.script.append(Answer())
            assert sending.post(BODY).status == 200

        assert server.requests[-1].path == "/49/v2.1/track"
        assert len(sending._routes) <= 8


@pytest.mark.parametrize("location", [None, "", "http://[", "ftp://127.0.0.1"])
def test_a_redirect_to_nowhere_is_one_that_is_not_allowed(transport_to, location: str | None):
    """Whatever stands there, the answer is a sentence."""
    headers = {} if location is None else {"Location": location}
    with IngestionServer(Answer(308, headers=headers)) as server, pytest.raises(Failure) as caught:
        transport_to(server).post(BODY)

    assert re.match(r"^it redirects to (nowhere|127\.0\.0\.1), which is not allowed; ", str(caught.value))


SILENT = """
import sys, time
reached = []
def hear(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system"):
        reached.append((event, str(arguments[1] if event == "socket.connect" else arguments[:2])))
sys.addaudithook(hear)
from ext_appinsights import Channel, envelope
channel = Channel(sys.argv[1], journal=False)
channel.send([envelope.event(time_ns=time.time_ns(), name="a")])
assert channel.close(20.0)
print(sorted(set(reached)))
"""


def test_nothing_else_leaves_the_process():
    """No statistics, no settings from afar, no question to the cloud's metadata service: one address is reached."""
    with IngestionServer() as server:
        done = subprocess.run(
            [sys.executable, "-c", SILENT, server.connection_string],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

        assert done.stderr == ""
        assert done.stdout.strip() == str(
            [
                ("socket.connect", str(("127.0.0.1", server.port))),
                ("socket.getaddrinfo", str(("127.0.0.1", server.port))),
            ]
        )
        assert server.connections == 1
