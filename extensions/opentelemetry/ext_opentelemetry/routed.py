"""Requests whose route is known, as nearly all HTTP requests to functions are.

Of all that is told about one, only its path, its numbers and its asker change from call to call. The rest is written
once for each combination of values, of which an app has few, and remembered.
"""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from ext_appinsights.fields import TAG_LIMITS, URL_LIMIT, VALUE_LIMIT, value_text
from ext_appinsights.lines import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from ext_opentelemetry.attributes import Attributes

    Asked = tuple[str, str, bool, str, str, str]
    """Name and code, as JSON; success; then members with a comma before each: more fields, dimensions, the asker."""

_TELLING = frozenset({"http.request.method", "http.route", "url.path", "url.scheme", "server.address"})
"""What tells all of a request whose route is known."""

_OTHERWISE = frozenset({"url.full", "url.query", "http.url"})
"""What would tell it in other words that come first."""

_PORT, _CODE = "server.port", "http.response.status_code"
_FEW = frozenset(
    {"http.request.method", "http.route", "url.scheme", "server.address", _PORT, _CODE, "faas.trigger", "faas.name"}
)
"""Attributes that have few values."""

_REMEMBERED = 1024
_CLIENT_ERROR = 400
_AGENT_LIMIT, _ADDRESS_LIMIT = TAG_LIMITS["ai.user.userAgent"], TAG_LIMITS["ai.location.ip"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9.:-]+")
"""Scheme and server of a URL that needs no second look, whatever its path is."""


class Known(NamedTuple):
    """What is written of all requests with the same few values."""

    name: str
    code: str
    success: bool
    url: str
    """Its beginning, up to the path, as the beginning of a member."""
    dimensions: str
    """Members with a comma before each."""


def is_routed(keys: tuple[str, ...]) -> bool:
    """Whether attributes with these keys tell of a request with a route, and in no other words."""
    return _TELLING.issubset(keys) and _CODE in keys and _OTHERWISE.isdisjoint(keys)


class Routed:
    """Reads requests with one set of attributes; any number of threads may share one."""

    def __init__(
        self,
        keys: tuple[str, ...],
        dimensions: tuple[tuple[str, str], ...],
        text: Callable[[str], str | None],
        suspects: Callable[[str], bool],
    ) -> None:
        self._few: Callable[[Any], Any] = itemgetter(*[key for key in keys if key in _FEW])
        self._dimensions = tuple([(key, f",{start}") for key, start in dimensions if key in _FEW])
        self._others = tuple([(key, f",{start}") for key, start in dimensions if key not in _FEW])
        self._has_port = _PORT in keys
        self._has_agent = "user_agent.original" in keys
        self._has_address = "client.address" in keys
        self._text = text
        self._suspects = suspects
        self._known: dict[Any, Known] = {}
        self._agents: dict[str, str] = {}

    def read(self, attributes: Attributes) -> Asked | None:  # noqa: PLR0911  each is another way to be unusual
        """Return what a request is; None if something about it is out of the ordinary."""
        path = attributes["url.path"]
        # Numbers that are equal are one key, but not one text: 1, 1.0, True.
        if type(attributes[_CODE]) is not int or (self._has_port and type(attributes[_PORT]) is not int):
            return None
        try:
            known = self._known.get(self._few(attributes)) or self._learn(attributes)
            asker = self._asker(attributes)
        except TypeError:  # a value that has no hash
            return None
        if known is None or asker is None or type(path) is not str or path[:1] != "/":
            return None
        name, code, success, url, dimensions = known
        texts = path
        for key, start in self._others:
            value = attributes[key]
            if type(value) is not str:
                if value is None:
                    return None
                value = "false" if value is False else value_text(value)
            if len(value) > VALUE_LIMIT:
                return None
            dimensions += start + quoted(value)
            texts = f"{texts}\n{value}"
        if self._suspects(texts) or len(path) + len(url) > URL_LIMIT:
            return None
        return name, code, success, url + quoted(path)[1:], dimensions, asker

    def _learn(self, attributes: Attributes) -> Known | None:
        method, route, scheme, address, code = map(
            attributes.__getitem__,
            ("http.request.method", "http.route", "url.scheme", "server.address", _CODE),
        )
        if not (
            type(method) is type(route) is type(scheme) is type(address) is str
            and method
            and route
            and address
            and code
        ):
            return None
        port = attributes.get(_PORT)
        server = f"{scheme}://{address}:{port}" if port else f"{scheme}://{address}"
        name = self._text(f"{method} {route}")
        dimensions = ""
        for key, start in self._dimensions:
            value = attributes[key]
            if type(value) is not str or len(value) > VALUE_LIMIT or self._suspects(value):
                return None
            dimensions += start + quoted(value)
        if name is None or len(server) > URL_LIMIT or not _PLAIN.fullmatch(server) or self._suspects(server):
            return None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        known = Known(name, f'"{code}"', 0 < code < _CLIENT_ERROR, f',"url":"{server}', dimensions)
        self._known[self._few(attributes)] = known
        return known

    def _asker(self, attributes: Attributes) -> str | None:
        asker: str | None = ""
        if self._has_agent:
            agent = attributes["user_agent.original"]
            asker = self._agents.get(agent) or self._learn_agent(agent)
        if self._has_address and asker is not None:
            address = attributes["client.address"]
            if type(address) is not str or not address:
                return None
            asker += f',"ai.location.ip":{quoted(address[:_ADDRESS_LIMIT])}'
        return asker

    def _learn_agent(self, agent: Any) -> str | None:
        if type(agent) is not str or not agent or "AlwaysOn" in agent:
            return None
        asker = f',"ai.user.userAgent":{quoted(agent[:_AGENT_LIMIT])}'
        if len(agent) <= _AGENT_LIMIT:  # of a longer one, which is the caller's to choose, all would be kept
            if len(self._agents) >= _REMEMBERED:
                self._agents.clear()
            self._agents[agent] = asker
        return asker
