"""One POST to the ingestion endpoint, with one deadline over connecting, writing, reading and redirects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from ext_appinsights import deadlines, failures
from ext_appinsights.credentials import Tokens, credential_for
from ext_appinsights.failures import Failure
from ext_appinsights.proxies import proxy_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext

    import urllib3

    from ext_appinsights.connection_string import ConnectionString
    from ext_appinsights.credentials import TokenCredential
    from ext_appinsights.proxies import Proxy

PATH = "/v2.1/track"
HEADERS = {
    "Content-Type": "application/x-json-stream",
    "Content-Encoding": "gzip",
    "Accept": "application/json",
}

MOST_HOPS = 5
BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of an answer that are read; an honest one has about 150 for each item that was refused."""

REDIRECTS = frozenset({307, 308})
UNAUTHORIZED = frozenset({401, 403})
ALLOWED_SUFFIXES = (
    ".livediagnostics.monitor.azure.com",
    ".monitor.azure.com",
    ".services.visualstudio.com",
    ".applicationinsights.azure.com",
    ".monitor.azure.us",
    ".applicationinsights.azure.us",
    ".monitor.azure.cn",
    ".applicationinsights.azure.cn",
)
"""Where both hosts of a redirect must lie, unless they are equal (`_constants.py` of Microsoft's exporter)."""


# Nothing but this in the name of a host: parsers disagree on where it ends in https://a.example\.b.example
_HOST = re.compile(r"[\w.-]+|[\da-f:.]+", re.ASCII)

_MOST_ROUTES = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Posts to one endpoint, over one connection that is kept open. For one thread only."""

    def __init__(
        self,
        target: ConnectionString,
        timeout: float,
        credential: TokenCredential | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        """Connect to nothing yet. `proxies`: by scheme; None reads the environment.

        Raises:
            ConnectionStringError: with a credential the endpoint must be https.

        """
        if credential is not None:
            credential = credential_for(target, credential)
        self._endpoint = target.ingestion_endpoint
        self._current = self._endpoint
        self._tokens = None if credential is None else Tokens(credential, target.aad_audience)
        self.timeout = timeout
        self._proxies = proxies
        self._clock = deadlines.Clock()
        self._routes: dict[str, tuple[Proxy | None, urllib3.PoolManager]] = {}
        self._context: SSLContext | None = None
        self._headers = {**HEADERS, "User-Agent": _user_agent()}

    def post(self, body: bytes) -> Answer:
        """Post a gzip body of newline-delimited items.

        The deadline begins when there is a token: a credential takes the time that it takes.

        Raises:
            Failure: there was no answer of the service; nothing is known of the items then.

        """
        headers = self._headers
        if self._tokens is not None:
            headers = {**headers, "Authorization": self._tokens.header()}
        self._clock.start(self.timeout)
        try:
            answer = self._follow(body, headers)
        except BaseException as error:
            proxy = self._routes.get(self._current, (None,))[0]
            self._start_anew()
            if isinstance(error, Failure) or not isinstance(error, Exception):
                raise
            raise self._failure(error, proxy) from error
        if answer.status in UNAUTHORIZED and self._tokens is not None:
            self._tokens.forget()
        return answer

    def close(self) -> None:
        """Close the connection."""
        for _, manager in self._routes.values():
            manager.clear()
        self._routes.clear()

    def _start_anew(self) -> None:
        """Forget redirects and connections; the next request reads the proxy settings again."""
        self._current = self._endpoint
        self.close()

    def _failure(self, error: Exception, proxy: Proxy | None) -> Failure:
        found = failures.of_the_network(error, waited=self.timeout, proxy=proxy, through=self._clock.through)
        if found.kind == "tls":
            self._context = None  # read the CA file again: it may be put right meanwhile
        return found

    def _follow(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        answer = self._once(body, headers)
        for _ in range(MOST_HOPS):
            if answer.status not in REDIRECTS:
                return answer
            location = answer.headers.get("location", "")
            target = redirect_target(self._current, location)
            if target is None:
                raise failures.of_a_redirect(self._current, location)
            self._current = target
            answer = self._once(body, headers)
        if answer.status in REDIRECTS:
            raise failures.of_a_ring(MOST_HOPS)
        return answer

    def _once(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        response: Any = self._manager().urlopen(
            "POST",
            self._current + PATH,
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
            timeout=self.timeout,
        )
        content = response.read(BODY_LIMIT, decode_content=True)
        if response.read(1):
            response.close()
        response.release_conn()
        return Answer(response.status, {key.lower(): value for key, value in response.headers.items()}, content)

    def _manager(self) -> urllib3.PoolManager:
        route = self._routes.get(self._current)
        if route is None:
            if len(self._routes) >= _MOST_ROUTES:
                self.close()
            proxy = proxy_for(self._current, self._proxies)
            route = self._routes[self._current] = (proxy, deadlines.pools(self._clock, proxy, self._tls))
        return route[1]

    def _tls(self) -> SSLContext:
        """Return the standard library's own settings: certificates and host names checked, SSL_CERT_FILE honoured."""
        if self._context is None:
            import ssl

            self._context = ssl.create_default_context()
        return self._context


def redirect_target(current: str, location: str) -> str | None:
    """Return the endpoint that a redirect names, or None if it must not be followed.

    Only scheme and host are taken from it. The host must be the same or lie under the same suffix of the allow-list,
    and https must not become http: whoever receives the items, and with Entra ID the token, sees them.
    """
    try:
        old, new = urlsplit(current), urlsplit(urljoin(current + PATH, location))
        host, port = new.hostname or "", new.port
    except ValueError:
        return None
    if not location or new.scheme not in ("http", "https") or port == 0 or not _HOST.fullmatch(host):
        return None
    if old.scheme == "https" and new.scheme != "https":
        return None
    if old.hostname != host and not any(
        (old.hostname or "").endswith(suffix) and host.endswith(suffix) for suffix in ALLOWED_SUFFIXES
    ):
        return None
    base = f"{new.scheme}://" + (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return base + new.path.removesuffix(PATH) if new.path.endswith(PATH) else base


def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"azfunc-ext-appinsights/{version('azfunc-ext-appinsights')}"
    except PackageNotFoundError:
        return "azfunc-ext-appinsights"
