"""URLs and targets of spans: what was asked for, and who was asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from ext_opentelemetry.attributes import destination, first, text

if TYPE_CHECKING:
    from ext_opentelemetry.attributes import Attributes

_HTTP_PORTS = {"http": 80, "https": 443}
_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")
_SECRET = re.compile(r"([?&](?:code|sig|signature|awsaccesskeyid|x-goog-signature)=)[^&#]+", re.IGNORECASE)
_DB_PORTS = {
    "postgresql": 5432,
    "cassandra": 9042,
    "mariadb": 3306,
    "mysql": 3306,
    "mssql": 1433,
    "microsoft.sql_server": 1433,
    "memcached": 11211,
    "db2": 50000,
    "ibm.db2": 50000,
    "oracle": 1521,
    "oracle.db": 1521,
    "h2": 8082,
    "h2database": 8082,
    "derby": 1527,
    "redis": 6379,
}


def url_of(attributes: Attributes) -> str:
    """Return the URL of an HTTP span, put together from its parts if need be; empty if they do not suffice."""
    whole = text(attributes, "url.full", "http.url")
    if whole:
        return without_secrets(whole)
    scheme = text(attributes, "url.scheme", "http.scheme")
    path = text(attributes, "url.path")
    query = text(attributes, "url.query")
    target = f"{path}?{query}" if path and query else path or text(attributes, "http.target")
    host = _host_of(attributes)
    return without_secrets(f"{scheme}://{host}{target}") if scheme and target and host else ""


def without_secrets(url: str) -> str:
    """Return a URL without user and password, and without the values of parameters that give access.

    They are those of OpenTelemetry's conventions for `url.full`, and `code`, which holds the key of a function.
    """
    return _SECRET.sub(r"\1REDACTED", _USER.sub(r"\1", url, count=1))


def _host_of(attributes: Attributes) -> str:
    address = text(attributes, "server.address")
    if address:
        return _joined(address, first(attributes, "server.port"))
    host = text(attributes, "http.host")
    if host:
        return host
    name = text(attributes, "http.server_name", "net.host.name")
    if name:
        return _joined(name, first(attributes, "net.host.port"))
    return _joined(text(attributes, "net.peer.name", "net.peer.ip"), first(attributes, "net.peer.port"))


def _joined(host: str, port: object, default: int = 0) -> str:
    return f"{host}:{port}" if host and port and str(port) != str(default) else host


def split(url: str) -> SplitResult:
    """Return the parts of a URL; of something that is none, empty ones."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def path_of(url: str) -> str:
    """Return the path of a URL, `/` if it has none."""
    return split(url).path or "/"


def http_target(attributes: Attributes, url: str) -> str:
    """Return whom an HTTP client called: `host`, with the port if it is not the scheme's own."""
    parts = split(url)
    default = _HTTP_PORTS.get(text(attributes, "url.scheme", "http.scheme") or parts.scheme, 0)
    address = text(attributes, "server.address")
    if address:
        return _joined(address, first(attributes, "server.port"), default)
    return (
        text(attributes, "peer.service")
        or text(attributes, "http.host").removesuffix(f":{default}")
        or parts.netloc.rpartition("@")[2].removesuffix(f":{default}")
        or peer(attributes, default)
    )


def db_target(attributes: Attributes, system: str) -> str:
    """Return whom a database client called: `host[:port]|database`."""
    default = _DB_PORTS.get(system, 0)
    server = peer(attributes, default)
    name = text(attributes, "db.namespace", "db.name")
    return f"{server}|{name}" if server and name else server or name or system


def messaging_target(attributes: Attributes) -> str:
    """Return where a message went: the other side, else the queue, else the system."""
    return peer(attributes) or destination(attributes) or text(attributes, "messaging.system")


def azure_target(attributes: Attributes) -> str:
    """Return `address/queue` of a message of an Azure SDK; empty if it does not tell both."""
    address = text(attributes, "server.address", "net.peer.name", "peer.address")
    queue = destination(attributes)
    return f"{address}/{queue}" if address and queue else ""


def peer(attributes: Attributes, default: int = 0) -> str:
    """Return the other side as the attributes name it, with its port if that is not the default one."""
    service = text(attributes, "peer.service")
    if service:
        return service
    host = text(attributes, "net.peer.name", "net.peer.ip")
    if host:
        return _joined(host, first(attributes, "net.peer.port"), default)
    return _joined(text(attributes, "server.address"), first(attributes, "server.port"), default)
