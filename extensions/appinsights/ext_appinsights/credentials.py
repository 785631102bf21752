"""Entra ID: who asks for tokens, and how they are kept."""

from __future__ import annotations

from typing import Any, Protocol


class AccessToken(Protocol):
    """What `get_token` returns (azure-core's `AccessToken`)."""

    @property
    def token(self) -> str:
        """The token itself."""
        ...

    @property
    def expires_on(self) -> int:
        """When it ends, in seconds since 1970."""
        ...


class TokenCredential(Protocol):
    """A credential as azure-core defines it, such as those of azure-identity."""

    def get_token(self, *scopes: str, **kwargs: Any) -> AccessToken:
        """Return a token for the scopes; may block, and may raise anything."""
        ...
