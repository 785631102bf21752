"""Entra ID: which credential a channel uses, and the tokens it gives."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from threading import get_ident
from time import monotonic, time
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ext_appinsights.connection_string import ConnectionStringError
from ext_appinsights.failures import Failure, of_the_token
from ext_appinsights.trouble import NotFromThisThread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ext_appinsights.connection_string import ConnectionString

VARIABLE = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
"""Microsoft's setting: `Authorization=AAD`, or `Authorization=AAD;ClientId=<client id>`."""

DEFAULT_AUDIENCE = "https://monitor.azure.com/"

RENEWED_BEFORE = 300.0
"""Seconds before its end from which a token is not used any more, as in azure-core's own policy."""

SHORTEST_USE = 30.0
"""Seconds for which a token is used at least: where the clock is wrong, each token looks as if it had ended."""


class AccessToken(Protocol):
    """What `get_token` returns: azure-core's `AccessToken`."""

    @property
    def token(self) -> str:
        """The text of the token."""
        ...

    @property
    def expires_on(self) -> int:
        """When it ends, in seconds since 1970."""
        ...


@runtime_checkable
class TokenCredential(Protocol):
    """A credential as azure-core defines it: those of azure-identity (not of `azure.identity.aio`), or your own."""

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """Return a token for the scopes. Called in the sending thread only; may block, and may raise anything."""
        ...


def credential_for(target: ConnectionString, given: TokenCredential | None) -> TokenCredential | None:
    """Return the credential to use: the one that was given, else the one of the environment, else None.

    Raises:
        ConnectionStringError: the endpoint is plain http, or the environment's setting cannot be understood.
        TypeError: what was given is no credential, or one for asyncio.

    """
    source = "a credential" if given is not None else VARIABLE
    found = _checked(given) if given is not None else _of_the_environment()
    if found is not None and not target.ingestion_endpoint.lower().startswith("https://"):
        remedy = "leave the credential out" if given is not None else f"unset {VARIABLE}"
        raise ConnectionStringError(
            f"The IngestionEndpoint is plain http, and with {source} a token would be sent over it for anyone to read. "
            f"Use an https endpoint, or {remedy} (an Application Insights on this machine asks for no token)."
        )
    return found


def _checked(given: Any) -> TokenCredential:
    from inspect import iscoroutinefunction

    get_token = getattr(given, "get_token", None)
    if isinstance(given, type) or not callable(get_token):
        raise TypeError(
            "credential must be an object with a get_token method, such as azure.identity.DefaultAzureCredential(), "
            f"not {given.__name__ + ' itself' if isinstance(given, type) else type(given).__name__}."
        )
    if iscoroutinefunction(get_token):
        raise TypeError(
            f"credential must not be one for asyncio, as {type(given).__name__} is: "
            "take the class of the same name from azure.identity instead of azure.identity.aio."
        )
    found: TokenCredential = given
    return found


def _of_the_environment() -> TokenCredential | None:
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    pairs = [segment.partition("=") for segment in text.split(";") if segment.strip()]
    found = {key.strip().lower(): value.strip() for key, _, value in pairs}
    client_id = found.get("clientid", "")
    if found.get("authorization", "").lower() != "aad" or ("clientid" in found and not client_id):
        raise ConnectionStringError(
            f"{VARIABLE} must be Authorization=AAD for the system-assigned identity, "
            "or Authorization=AAD;ClientId=<client ID> for a user-assigned one."
        )
    return ManagedIdentity(client_id or None)


class ManagedIdentity:
    """The managed identity of a function app, by azure-identity, which is imported when the first token is wanted."""

    def __init__(self, client_id: str | None = None) -> None:
        self._client_id = client_id
        self._credential: Any = None

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """Return a token of the identity.

        Raises:
            Failure: azure-identity is not installed.
            Exception: what azure-identity raises.

        """
        self.open()
        found: AccessToken = self._credential.get_token(*scopes, **kwargs)
        return found

    def open(self) -> None:
        """Import what gives the tokens, unless that is done.

        Raises:
            Failure: azure-identity is not installed.

        """
        if self._credential is not None:
            return
        try:
            from azure.identity import ManagedIdentityCredential
        except ImportError:
            raise Failure(
                "token",
                f"{VARIABLE} asks for Entra ID, and the package azure-identity is not installed; "
                "the items are kept and sent later. Add azure-identity to requirements.txt, or unset it.",
            ) from None
        self._credential = ManagedIdentityCredential(client_id=self._client_id)


class Tokens:
    """The token of a credential, kept until five minutes before its end. For one thread only."""

    def __init__(self, credential: TokenCredential, audience: str | None) -> None:
        self._credential = credential
        self._scope = f"{audience or DEFAULT_AUDIENCE}/.default"
        self._header = ""
        self._renew_at = 0.0
        self._ends_at = 0.0

    def header(self) -> str:
        """Return the value of the Authorization header. Asks the credential if there is no token that lasts.

        Raises:
            Failure: there is none to be had.

        """
        if not self._header or monotonic() >= self._renew_at:
            try:
                self._renew()
            except Failure:
                raise
            except Exception as error:
                if not self._header or monotonic() >= self._ends_at:
                    raise of_the_token(error, self._scope) from None
        return self._header

    def forget(self) -> None:
        """Drop the token: the service did not take it."""
        self._header = ""

    def _renew(self) -> None:
        if isinstance(self._credential, ManagedIdentity):
            self._credential.open()
        with _quietly():
            got = self._credential.get_token(self._scope)
        text, lifetime = got.token, float(got.expires_on) - time()
        # Looked at here: what the HTTP client says of a header that it does not like repeats the header.
        if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable() or " " in text:
            raise TypeError("get_token returned no text that can be sent")
        # The wall clock is asked once; it may jump, or be wrong, without any harm to a token that is in use.
        now = monotonic()
        self._renew_at = now + max(lifetime - RENEWED_BEFORE, SHORTEST_USE)
        self._ends_at = now + lifetime
        self._header = f"Bearer {text}"


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep out of the log what azure-identity says in this thread: sent as telemetry, it would ask for a token."""
    quiet = NotFromThisThread(get_ident())
    names = [name for name in list(logging.root.manager.loggerDict) if name.partition(".")[0] in ("azure", "msal")]
    for name in names:
        logging.getLogger(name).addFilter(quiet)
    try:
        yield
    finally:
        for name in names:
            logging.getLogger(name).removeFilter(quiet)
