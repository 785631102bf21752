"""Credentials are replaced before spans leave the process.

User and password in URLs, parameters and parts of connection strings whose name says so (`code`, `sig`, `password`,
`AccountKey` ...), bearer tokens and JSON web tokens, and attributes with such a name. Each expression takes time in
proportion to the text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ext_appinsights.fields import VALUE_LIMIT, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping

REDACTED = "REDACTED"

_MARGIN = 4096
"""Characters beyond a limit that are read too, so that a credential which the limit cuts in two is still seen."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[\W_]+")
_SECRET = re.compile(
    r"""(?: passwords? | passwd | passphrase | passcode | pwd | secrets? | credentials? | authorization | jwt
      | connection_?string | conn_?str | access_?signature | (?: ^ | _ ) (?: cookies? | sig | otp )
      | (?: api | access | account | auth | encryption | functions? | host | management | master | private | sas
          | secret | security | shared | shared_access | signing | subscription ) _? keys?
      | (?<! next_ )(?<! page_ )(?<! continuation_ )(?<! max_ ) token
    ) $""",
    re.VERBOSE,
)
_IN_QUERY = frozenset({"code", "awsaccesskeyid"})
"""A function's key (or the code of a login), and a key's name: ordinary words elsewhere."""

_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,30}://)[^\s/?#\"'<>\\]*@")
_PAIR = re.compile(r"(?P<before>[?&]?)(?<![\w.\-%])(?P<name>[\w.\-]{1,128})=(?P<value>[^&;#\s\"'<>\\]+)")
_BEARER = re.compile(r"\b((?:Bearer|Basic)[ ]{1,3})[\w.\-~+/:]{8,}=*", re.IGNORECASE | re.ASCII)
_JSON_WEB_TOKEN = re.compile(r"(?<![\w\-])eyJ[\w\-]{6,}\.[\w\-]{6,}(?:\.[\w\-]*)?")


@lru_cache(2048)
def names_a_secret(name: str) -> bool:
    """Whether what has this name is a credential, be it written `x-api-key`, `apiKey` or `API_KEY`."""
    plain = _BETWEEN.sub("_", _CAMEL.sub("_", name[-256:])).strip("_").lower()
    return _SECRET.search(plain) is not None


def suspects(value: str) -> bool:
    """Whether a text might hold a credential: a quick look that misses nothing which `text` would replace."""
    return "=" in value or "@" in value or "eyJ" in value or (" " in value and _may_be_spoken(value))


def _may_be_spoken(value: str) -> bool:
    return "earer" in value or "asic" in value or "EARER" in value or "ASIC" in value


def text(value: str) -> str:
    """Return a text without the credentials in it."""
    if "@" in value and "://" in value:
        value = _USER.sub(r"\1", value)
    if "=" in value:
        value = _PAIR.sub(_pair, value)
    if _may_be_spoken(value):
        value = _BEARER.sub(rf"\1{REDACTED}", value)
    return _JSON_WEB_TOKEN.sub(REDACTED, value) if "eyJ" in value else value


def _pair(match: re.Match[str]) -> str:
    name = match["name"]
    in_query = bool(match["before"]) and (name.lower() in _IN_QUERY or name.lower().endswith("signature"))
    if not in_query and not names_a_secret(name):
        return match[0]
    return f"{match['before']}{name}={REDACTED}"


def properties(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes without credentials."""
    return {key: _value(key, value) for key, value in values.items()}


def _value(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool) or value == "":
        return value
    if names_a_secret(key):
        return REDACTED
    return value if isinstance(value, (int, float)) else text(value_text(value)[: VALUE_LIMIT + _MARGIN])
