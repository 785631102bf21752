"""Why a request came to nothing, in words that say what to check."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ext_appinsights.proxies import Proxy

_KEPT = "the items are kept and sent later."
_TEXT_LIMIT = 200
_TOKEN = re.compile(r"eyJ[\w-]{10,}\.[\w.-]+")
"""What a signed token looks like: it starts with `{"` in base64."""


class Failure(Exception):  # noqa: N818 (nobody but the sending thread sees it)
    """Nothing is known of the items of a request. `kind` is the kind of the trouble, `what` what to say of it."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what


def words(error: Exception) -> tuple[str, str]:
    """Return the kind of the trouble and what to say of it, for whatever a transport raised."""
    if isinstance(error, Failure):
        return error.kind, error.what
    return "defect", f"a defect of ext_appinsights, please report it ({plain(error)}); {_KEPT}"


def of_the_network(error: BaseException, *, waited: float, proxy: Proxy | None, through: bool) -> Failure:
    """Return what to say of an error of sockets, TLS or HTTP.

    `waited` are the seconds of the request's deadline, `proxy` the proxy on the way, if there is one, and `through`
    whether the connection was beyond it already.
    """
    import ssl

    error = _innermost(error)
    if proxy is not None and not through:
        return _of_the_proxy(error, waited, proxy)
    if isinstance(error, ssl.SSLError) and not isinstance(error, TimeoutError):
        return _of_tls(error)
    if isinstance(error, TimeoutError):
        reason = f"the service did not answer within {round(waited, 2):g} s"
    else:
        found = "cannot be reached" if isinstance(error, OSError) else "gave no valid HTTP answer"
        reason = f"the service {found} ({plain(error)})"
    path = "the network" if proxy is None else f"the proxy {proxy.shown} that {proxy.variable} names"
    return Failure("unreachable", f"{reason}; {_KEPT} Check IngestionEndpoint in the connection string, and {path}.")


def _of_the_proxy(error: BaseException, waited: float, proxy: Proxy) -> Failure:
    named = f"the proxy {proxy.shown} that {proxy.variable} names"
    if isinstance(error, TimeoutError):
        reason = f"{named} did not answer within {round(waited, 2):g} s"
    elif "407" in str(error):
        return Failure(
            "proxy",
            f"{named} wants credentials, or others; {_KEPT} "
            f"Put them into {proxy.variable}: http://user:password@host:port, special characters percent-encoded.",
        )
    else:
        reason = f"{named} does not let the request through ({plain(error)})"
    return Failure(
        "proxy", f"{reason}; {_KEPT} Check {proxy.variable}, or name the service's host in NO_PROXY to go without."
    )


def _of_tls(error: Exception) -> Failure:
    import ssl

    if not isinstance(error, ssl.SSLCertVerificationError):
        return Failure(
            "tls",
            f"TLS with the service failed ({plain(error)}); {_KEPT} "
            "Check that IngestionEndpoint in the connection string names a server that speaks TLS, and the network.",
        )
    reason = getattr(error, "verify_message", "") or plain(error)
    return Failure(
        "tls",
        f"the certificate of the service is not trusted ({reason.rstrip('.')}); {_KEPT} "
        "Check the clock of this machine, and whether a proxy on the way puts its own certificate in place: "
        f"if so, SSL_CERT_FILE must name a file that holds its CA{_of_the_file()}.",
    )


def _of_the_file() -> str:
    path = os.environ.get("SSL_CERT_FILE")
    if not path or os.access(path, os.R_OK):
        return ""
    return f" (now it names {path}, which cannot be read)"


def of_a_redirect(current: str, location: str) -> Failure:
    """Return what to say of a redirect that must not be followed."""
    from urllib.parse import urlsplit

    try:
        new = urlsplit(location)
        host, downgraded = new.hostname, current.startswith("https:") and new.scheme == "http"
    except ValueError:
        host, downgraded = None, False
    where = (host or "nowhere") + (" without TLS" if downgraded else "")
    return Failure(
        "redirect",
        f"it redirects to {where[:_TEXT_LIMIT]}, which is not allowed; {_KEPT} "
        "Check IngestionEndpoint in the connection string, and proxies on the way.",
    )


def of_a_ring(hops: int) -> Failure:
    """Return what to say of redirects without an end."""
    return Failure(
        "redirect",
        f"it redirects more than {hops} times in a row; {_KEPT} "
        "Check IngestionEndpoint in the connection string, and proxies on the way.",
    )


def of_the_token(error: BaseException, scope: str) -> Failure:
    """Return what to say when a credential gave no token."""
    return Failure(
        "token",
        f"there is no Entra ID token for {scope} ({plain(error)}); {_KEPT} "
        "Check that the identity exists where this runs, and that the credential names the right one.",
    )


def plain(error: BaseException) -> str:
    """Return type and text of an error in one line of limited length, without anything that looks like a token."""
    text = _TOKEN.sub("<token>", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text[:_TEXT_LIMIT]}" if text else type(error).__name__


def _innermost(error: BaseException) -> BaseException:
    # The HTTP client wraps the reason in texts that repeat the whole URL.
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error
