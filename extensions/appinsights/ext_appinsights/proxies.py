"""The proxy on the way to an endpoint, from the environment as the standard library reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ext_appinsights.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, without its credentials in any text about it."""

    url: str
    """`http://host:port` or `https://host:port`."""

    variable: str
    """What names it: an environment variable, or the option `proxies`."""

    authorization: str | None = field(default=None, repr=False)
    """Value of the Proxy-Authorization header, for credentials in the variable."""

    @property
    def shown(self) -> str:
        """`host:port`."""
        return self.url.partition("://")[2]


def proxy_for(endpoint: str, given: Mapping[str, str] | None = None) -> Proxy | None:
    """Return the proxy for a base URL: HTTPS_PROXY or HTTP_PROXY by its scheme, else ALL_PROXY; NO_PROXY excepts hosts.

    `given` are proxies by scheme, in place of all that; without one for the scheme there is none.

    Read by `urllib.request`, so small letters win over capitals, and the system's own settings count on macOS and
    Windows where the environment names none.

    Raises:
        Failure: the setting is not the URL of an HTTP proxy.

    """
    from urllib.request import getproxies, proxy_bypass

    target = urlsplit(endpoint)
    if given is not None:
        setting = given.get(target.scheme, "").strip()
        return _read(setting, f"The option proxies[{target.scheme!r}]") if setting else None
    settings = getproxies()
    name = target.scheme if settings.get(target.scheme) else "all"
    setting = settings.get(name, "").strip()
    if not setting or proxy_bypass(target.netloc.rpartition("@")[2]):
        return None
    return _read(setting, f"{name.upper()}_PROXY")


def _read(setting: str, variable: str) -> Proxy:
    wrong = Failure(
        "proxy",
        f"{variable} is not the URL of an HTTP proxy, such as http://proxy.example.com:3128; "
        "the items are kept and sent later. Correct it and restart, or name the service's host in NO_PROXY.",
    )
    try:
        parts = urlsplit(setting if "://" in setting else f"http://{setting}")
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https") or not host or not setting.isprintable() or " " in setting:
        raise wrong
    host = f"[{host}]" if ":" in host else host
    return Proxy(f"{parts.scheme}://{host}:{port}", variable, _authorization(parts.username, parts.password))


def _authorization(user: str | None, password: str | None) -> str | None:
    if user is None:
        return None
    from base64 import b64encode

    pair = f"{unquote(user)}:{unquote(password or '')}"
    return "Basic " + b64encode(pair.encode("utf-8")).decode("ascii")
