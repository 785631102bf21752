"""A certificate authority of the tests, and contexts for servers that it vouches for."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


class Authority:
    """Give `path` to SSL_CERT_FILE, and what it signed is trusted."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._ca = trustme.CA()
        self.path = str(folder / f"{name}.pem")
        self._ca.cert_pem.write_to_path(self.path)

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """Return a server's context with a certificate for the names, `localhost` if there are none."""
        over = datetime.now(tz=timezone.utc) - timedelta(days=1) if expired else None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert(*(names or ("localhost",)), not_after=over).configure_cert(context)
        return context
