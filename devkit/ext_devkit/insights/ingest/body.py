"""The bytes of a request, unpacked while they come in, so that no body and no zip bomb can fill the memory."""

from __future__ import annotations

import zlib

from ext_devkit.insights.ingest.rejection import RejectedError

MOST_BYTES = 32 * 1024 * 1024
"""Largest body, unpacked: 512 items, an exporter's usual batch, of 64 KB each."""

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 16 + zlib.MAX_WBITS
PLAIN_ENCODINGS = ("", "identity")
GZIP_ENCODINGS = ("gzip", "x-gzip")


class Body:
    """Collects chunks; gzip is recognised by its header line or by its first two bytes. Raises RejectedError."""

    def __init__(self, content_encoding: str = "") -> None:
        encoding = content_encoding.strip().lower()
        if encoding not in PLAIN_ENCODINGS + GZIP_ENCODINGS:
            raise RejectedError(
                f"Content-Encoding {encoding[:64]!r} is not supported. Send gzip, or leave the body as it is.", 415
            )
        self._must_be_gzip = encoding in GZIP_ENCODINGS
        self._head = b""
        self._known = False
        self._gunzip: Gunzip | None = None
        self._content = bytearray()

    @property
    def size(self) -> int:
        """Return how many bytes are held."""
        return len(self._content)

    def feed(self, chunk: bytes) -> None:
        """Add what has arrived."""
        if not self._known:
            self._head += chunk
            if len(self._head) < len(GZIP_MAGIC):
                return
            chunk = self._decide()
        if self._gunzip is not None:
            self._gunzip.feed(chunk, self._content)
            return
        self._content += chunk
        if len(self._content) > MOST_BYTES:
            raise too_large()

    def finish(self) -> bytearray:
        """Return the whole body, unpacked."""
        if not self._known:
            self._content += self._decide()
        if self._gunzip is not None and not self._gunzip.complete:
            raise RejectedError("The gzip body ends too early: it was cut off on the way.")
        return self._content

    def _decide(self) -> bytes:
        self._known = True
        head, self._head = self._head, b""
        if head.startswith(GZIP_MAGIC):
            self._gunzip = Gunzip()
        elif self._must_be_gzip and head:
            raise RejectedError("The body is not gzip, though Content-Encoding says so.")
        return head


class Gunzip:
    """Unpacks one gzip member after another into a buffer of limited size."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP_WINDOW)
        self.complete = False

    def feed(self, data: bytes, into: bytearray) -> None:
        """Append what `data` unpacks to; stop with an error as soon as that is too much."""
        try:
            while data:
                if self.complete:
                    self._member = zlib.decompressobj(GZIP_WINDOW)
                    self.complete = False
                into += self._member.decompress(data, MOST_BYTES - len(into) + 1)
                if len(into) > MOST_BYTES:
                    raise too_large()
                self.complete = self._member.eof
                # Some writers pad the end with zeros, which gzip itself ignores (gzip manual, "Tapes").
                data = self._member.unused_data.lstrip(b"\0") if self.complete else b""
        except zlib.error as error:
            raise RejectedError(f"The gzip body cannot be unpacked: {error}.") from error


def too_large() -> RejectedError:
    """Return the error for a body that is longer than this server keeps in memory."""
    return RejectedError(f"The body is larger than {MOST_BYTES} bytes unpacked. Send fewer items at once.", 413)
