"""URLs and targets of spans: what was asked for, and who was asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from ext_opentelemetry.attributes import destination, first, text

if TYPE_CHECKING:
    from ext_opentelemetry.attributes import Attributes

_HTTP_PORTS = {"http": 80, "https": 443}
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

_ORDINARY = re.compile(r"(https?)://([A-Za-z0-9.\-]+(?::[0-9]{1,5})?)(/[A-Za-z0-9._~!$&'()*+,=:@%/\-]*)?(?=[?#]|\Z)")


Parts = tuple[str, str, str]
"""Scheme, host (with the port if there is one, without user and password) and path of a URL."""


def split(url: str) -> Parts:
    """Return the parts of a URL; of something that is none, empty texts."""
    ordinary = _ORDINARY.match(url)
    if ordinary is not None:
        return ordinary.groups("")  # type: ignore[return-value]
    try:
        parsed = urlparse(url)
    except ValueError:
        return "", "", ""
    return parsed.scheme, parsed.netloc.rpartition("@")[2], parsed.path


def path_of(url: str) -> str:
    """Return the path of a URL, `/` if it has none."""
    return split(url)[2] or "/"


def request_url(attributes: Attributes) -> str:
    """Return the URL that a server was asked for, put together from its parts if need be; empty if that cannot be."""
    whole = text(attributes, "url.full", "http.url")
    if whole:
        return whole
    scheme = text(attributes, "url.scheme", "http.scheme")
    target = _target(attributes) or text(attributes, "http.target")
    if not scheme or not target:
        return ""
    host = (
        joined(text(attributes, "server.address"), first(attributes, "server.port"))
        or text(attributes, "http.host")
        or joined(text(attributes, "http.server_name", "net.host.name"), first(attributes, "net.host.port"))
    )
    return f"{scheme}://{host}{target}" if host else ""


def call_url(attributes: Attributes) -> str:
    """Return the URL that a client asked for, put together from its parts if need be; empty if that cannot be."""
    whole = text(attributes, "url.full", "http.url")
    if whole:
        return whole
    scheme = text(attributes, "url.scheme", "http.scheme")
    target = text(attributes, "http.target") or _target(attributes)
    if not scheme or not target:
        return ""
    host = (
        text(attributes, "http.host")
        or joined(text(attributes, "net.peer.name", "net.peer.ip"), first(attributes, "net.peer.port"))
        or joined(text(attributes, "server.address"), first(attributes, "server.port"))
    )
    return f"{scheme}://{host}{target}" if host else ""


def _target(attributes: Attributes) -> str:
    path = text(attributes, "url.path")
    query = text(attributes, "url.query")
    return f"{path}?{query}" if path and query else path


def joined(host: str, port: object, default: int = 0) -> str:
    """Return `host:port`; without the port if that is the default one, or unknown."""
    return f"{host}:{port}" if host and port and port != default and str(port) != str(default) else host


def http_target(attributes: Attributes, parts: Parts) -> str:
    """Return whom an HTTP client called: `host`, with the port if it is not the scheme's own."""
    scheme, host, _ = parts
    default = _HTTP_PORTS.get(text(attributes, "url.scheme", "http.scheme") or scheme, 0)
    address = text(attributes, "server.address")
    if address:
        return joined(address, first(attributes, "server.port"), default)
    return (
        text(attributes, "peer.service")
        or text(attributes, "http.host").rpartition("@")[2].removesuffix(f":{default}")
        or host.removesuffix(f":{default}")
        or peer(attributes)
    )


def db_target(attributes: Attributes, system: str) -> str:
    """Return whom a database client called: `host[:port]|database`."""
    server = peer(attributes)
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


def peer(attributes: Attributes) -> str:
    """Return the other side as the attributes name it, with its port if that is not the default one."""
    service = text(attributes, "peer.service")
    if service:
        return service
    host = text(attributes, "net.peer.name", "net.peer.ip")
    if host:
        port = first(attributes, "net.peer.port")
    else:
        host, port = text(attributes, "server.address"), first(attributes, "server.port")
    if not port or not host or str(port) == str(_HTTP_PORTS.get(text(attributes, "url.scheme", "http.scheme"))):
        return host
    return joined(host, port, _DB_PORTS.get(text(attributes, "db.system.name", "db.system"), 0))
