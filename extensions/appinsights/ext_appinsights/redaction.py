"""Credentials are replaced before telemetry leaves the process.

What counts as one: the value of an attribute, a parameter, a header or a part of a connection string whose name says so
(`password`, `x-functions-key`, `AccountKey` ...), user and password in a URL, and texts that are credentials by their
form (bearer tokens, JSON web tokens, private keys). docs/how-to/redact.md has the whole list.

Every expression here takes time in proportion to the text: what a caller sends must not be able to hold up its export.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any

from ext_appinsights.fields import value_limit, value_text
from ext_appinsights.names import normal, says_secret, says_secret_in_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

REDACTED = "REDACTED"

MARGIN = 4096
"""Characters beyond a limit that are read too, so that a credential which the limit cuts in two is still seen."""

_REMEMBERED, _LONGEST_REMEMBERED = 2048, 256
"""Names, and characters of each: those in the query of a URL are the caller's to choose."""
_ORDINARY, _SECRET, _SECRET_IN_QUERY = "ordinary", "secret", "secret in the query of a URL"

_USER = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]{0,30}://)"
    r"(?:[^\s/?#\"'<>\\]*|[^\s/@:\[\"'<>\\]*:(?!\d{1,5}[/?#])[^\s\"'<>@\\]{0,256})@"
)
"""The second form: a password with `/`, `?` or `#` in it, as in URLs that a client complains about."""

_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*?(?=-----END|\Z)", re.DOTALL)
_JSON_WEB_TOKEN = re.compile(r"(?<![\w\-])eyJ[\w\-]{6,}\.[\w\-]{6,}(?:\.[\w\-]*)?")
_BEARER = re.compile(
    r"\b(Bearer[ ]{1,3})(?:(?=[\w.\-~+/:]*\d)[\w.\-~+/:]{8,}|[\w.\-~+/:]{24,})=*", re.IGNORECASE | re.ASCII
)
_BASIC = re.compile(r"\b(Basic[ ]{1,3})([A-Za-z0-9+/]{4,}={0,2})(?![\w+/=])", re.IGNORECASE)

_QUOTED = re.compile(
    r"""(?P<around>\\{0,8}["'])(?P<name>[^\s"'\\:,]{1,128})(?P=around)\s?:\s?\[?b?"""
    r"""(?:(?P<quote>\\{0,8}["'])|(?P<bare>[^\s"'\\,\[\]{}]+))"""
)
_PAIR = re.compile(r"(?:(?<![\w.\-%])|(?<=%[0-9A-Fa-f]{2}))([\w.\-]+)(?:[ ]?=(?!=)[ ]?|%3[Dd])")
_LINE = re.compile(r"(?<![\w.\-])([\w.\-]+):[ ](?=\S)")

_PARAMETER = re.compile(r"[\w.\-]+")
_OTHERS_IN_QUERY = frozenset("%@ :\"'<>\\\r\n\t")
"""Characters with which a query is more than plain parameters."""
_BEFORE_PARAMETER = ("?", "&", "%3f", "%26")
_QUOTE = re.compile(r"\\{0,8}[\"']")
_IN_QUERY = re.compile(r"(?:(?!%26|%23)[^&#\s\"'<>\\])*")
_IN_CONNECTION_STRING = re.compile(r"[^;\r\n\"'\\]*")
_IN_TEXT = re.compile(r"[^\s;&,\"'<>)\]}\\]*")
_REST_OF_LINE = re.compile(r"[^\r\n\"'\\]*")
_ONE_WORD = re.compile(r"[^\s,;)\]}\"'\\]+(?=[,;)\]}\"'\\]|\s*$)", re.MULTILINE)
_PROBES = ("", "a 1")
"""Texts in which an expression that needs no character, such as `x*` or `\\b`, shows itself."""
_PLACEHOLDER = re.compile(r"(?:none|null|true|false|undefined|\?|%s|\$\d+|:\w+|\*+|\.{3}|)\Z", re.IGNORECASE)


class Redactor:
    """Finds credentials and replaces them by `REDACTED`; any number of threads may share one.

    - `keys`: more names whose values are credentials, such as `"iban"`. Upper and lower case, dots, dashes and
      underscores make no difference, and a name that ends with it counts too: `customer.IBAN`.
    - `patterns`: regular expressions; whatever they match in any text is replaced.
    - `keep`: names that stay, although they look like those of credentials.

    Raises:
        TypeError: when an argument is a single text, or has something else than texts in it.
        ValueError: when a pattern is no expression, or matches where there is nothing; when a name is empty.

    """

    def __init__(
        self, keys: Iterable[str] = (), patterns: Iterable[str | re.Pattern[str]] = (), keep: Iterable[str] = ()
    ) -> None:
        self._keys = tuple("_" + _plain("keys", key) for key in _several("keys", keys, "iban"))
        self._keep = frozenset(_plain("keep", name) for name in _several("keep", keep, "csrf_token"))
        self._patterns = tuple(map(_compiled, _several("patterns", patterns, r"\bcus_\w+", re.Pattern)))
        self._known: dict[str, str] = {}
        self._harmless: set[str] = set()

    def names_a_secret(self, name: str) -> bool:
        """Whether what has this name, be it an attribute, a header or a setting, is a credential."""
        known = self._known.get(name)
        return (self._learn(name) if known is None else known) is _SECRET

    def _learn(self, name: str) -> str:
        plain = normal(name)
        if plain not in self._keep and (says_secret(plain) or f"_{plain}".endswith(self._keys)):
            found = _SECRET
        else:
            found = _SECRET_IN_QUERY if says_secret_in_query(name) and plain not in self._keep else _ORDINARY
        if len(name) <= _LONGEST_REMEMBERED:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[name] = found
        return found

    def suspects(self, text: str) -> bool:
        """Whether `text` might hold a credential: a quick look that misses nothing which `text` would replace."""
        return (
            "=" in text
            or "@" in text
            or "%3" in text
            or "eyJ" in text
            or (" " in text and _may_be_spoken(text))
            or (('"' in text or "'" in text) and _may_be_quoted(text))
            or bool(self._patterns)
        )

    def leaves(self, url: str) -> bool:
        """Whether `text` certainly leaves this URL as it is: a quick look at the parameters in its query."""
        head, _, query = url.partition("?")
        if self.suspects(head):
            return False
        if not query:
            return True
        if self._patterns or not _OTHERS_IN_QUERY.isdisjoint(query) or "eyJ" in query:
            return False
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            if name not in self._harmless and not self._learn_harmless(name):
                return False
            if "=" in value:
                return False
        return True

    def _learn_harmless(self, name: str) -> bool:
        """Note a parameter that is known to hold no credential."""
        if not _PARAMETER.fullmatch(name) or self._learn(name) is not _ORDINARY:
            return False
        if len(name) <= _LONGEST_REMEMBERED:
            if len(self._harmless) >= _REMEMBERED:
                self._harmless.clear()
            self._harmless.add(name)
        return True

    def text(self, text: str) -> str:
        """Return `text` without the credentials in it."""
        if not self.suspects(text):
            return text
        for pattern in self._patterns:
            text = pattern.sub(REDACTED, text)
        text = _without_tokens(text)
        if "://" in text and "@" in text:
            text = _USER.sub(r"\1", text)
        if _may_be_quoted(text):
            text = _replaced(_QUOTED, self._quoted, text)
        if ": " in text:
            text = _replaced(_LINE, self._line, text)
        if "=" in text or "%3" in text:
            text = _replaced(_PAIR, self._pair, text)
        return text

    def value(self, key: str, value: Any) -> Any:
        """Return an attribute's value, without credentials and, if it is a text, hardly longer than its limit."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if self.names_a_secret(key):
            return REDACTED
        if isinstance(value, (int, float)):
            return value
        return self.text(value_text(value)[: value_limit(key) + MARGIN])

    def properties(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return attributes without credentials."""
        return {key: self.value(key, value) for key, value in values.items()}

    def _quoted(self, match: re.Match[str]) -> tuple[int, int] | None:
        """Find the value in JSON, and in the notation of Python dictionaries: `"password": "x"`."""
        if not self.names_a_secret(match["name"]):
            return None
        if match["bare"] is None:
            return match.end(), _closing(match.string, match["quote"], match.end())
        return None if _PLACEHOLDER.match(match["bare"]) else match.span("bare")

    def _line(self, match: re.Match[str]) -> tuple[int, int] | None:
        """Find the value of a header as it is printed, `X-Api-Key: x`, and a password: `(password: x)`."""
        name = match[1]
        if not self.names_a_secret(name):
            return None
        if "-" in name or name.lower() in ("authorization", "cookie"):
            value = _REST_OF_LINE.match(match.string, match.end())
        elif "pass" in name.lower() or "pwd" in name.lower():
            value = _ONE_WORD.match(match.string, match.end())
        else:
            return None
        return None if value is None else value.span()

    def _pair(self, match: re.Match[str]) -> tuple[int, int] | None:
        """Find the value of a parameter, a setting or a part of a connection string: `name=value`."""
        text, name = match.string, match[1]
        known = self._known.get(name) or self._learn(name)
        if known is _ORDINARY:
            return None
        start = match.start()
        in_query = text[max(start - 3, 0) : start].lower().endswith(_BEFORE_PARAMETER)
        if known is _SECRET_IN_QUERY and not in_query:
            return None
        begin, end = _value_of_pair(text, start, match.end(), in_query=in_query)
        return None if _PLACEHOLDER.match(text[begin:end]) else (begin, end)


def _several(argument: str, given: Any, example: str, *more: type) -> tuple[Any, ...]:
    """Return the texts of an argument. TypeError: it is a single one, whose letters would be taken, or not of texts."""
    if isinstance(given, (str, bytes, *more)):
        text = given.pattern if isinstance(given, re.Pattern) else given
        raise TypeError(f"Redactor: {argument} is the single text {text!r}. Put it in a list: {argument}=[{text!r}].")
    try:
        found = tuple(given)
    except TypeError:
        wanted = f"Allowed: a list of texts, such as {argument}=[{example!r}]."
        raise TypeError(f"Redactor: {argument} is {given!r}. {wanted}") from None
    for one in found:
        if not isinstance(one, (str, *more)) or (isinstance(one, re.Pattern) and isinstance(one.pattern, bytes)):
            raise TypeError(f"Redactor: {argument} has {one!r}. Allowed: texts, such as {argument}=[{example!r}].")
    return found


def _plain(argument: str, name: str) -> str:
    plain = normal(name)
    if not plain:
        raise ValueError(
            f"Redactor: {argument} has {name!r}, which names nothing. Allowed: names with letters or digits."
        )
    return plain


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"Redactor: patterns has {pattern!r}, which is no regular expression: {error}.") from error
    if any(match.start() == match.end() for text in _PROBES for match in compiled.finditer(text)):
        raise ValueError(
            f"Redactor: patterns has {compiled.pattern!r}, which also matches where there is nothing, so that REDACTED "
            "would be all over each text. Have it match one character at least."
        )
    return compiled


def _may_be_spoken(text: str) -> bool:
    return (
        ": " in text
        or "earer " in text
        or "asic " in text
        or "EARER " in text
        or "ASIC " in text
        or "-----BEGIN " in text
    )


def _may_be_quoted(text: str) -> bool:
    return '":' in text or "':" in text or '" :' in text or "' :" in text


def _value_of_pair(text: str, start: int, begin: int, *, in_query: bool) -> tuple[int, int]:
    """Return where the value of the pair is whose name is at `start`, and whose value begins at `begin` or later."""
    quote = _QUOTE.match(text, begin)
    if quote is not None:
        return quote.end(), _closing(text, quote[0], quote.end())
    if in_query:
        inside = _IN_QUERY
    elif _begins_a_part(text, start) and text.find(";", max(start - MARGIN, 0), begin + MARGIN) >= 0:
        inside = _IN_CONNECTION_STRING  # not looked for in all of a long text, for that would be done for each pair
    else:
        inside = _IN_TEXT
    found = inside.match(text, begin)
    assert found is not None
    return found.span()


def _begins_a_part(text: str, start: int) -> bool:
    return text[max(start - 3, 0) : start].rstrip(" ")[-1:] in ("", ";", '"', "'")


def _closing(text: str, quote: str, start: int) -> int:
    """Return where the quote is that ends what begins at `start`; the end of the text if there is none."""
    end = text.find(quote, start)
    while end > start and text[end - 1] == "\\":
        end = text.find(quote, end + 1)
    return len(text) if end < 0 else end


def _replaced(pattern: re.Pattern[str], value_of: Callable[[re.Match[str]], tuple[int, int] | None], text: str) -> str:
    """Return `text` with REDACTED in place of the value of each match, as `value_of` finds it; None leaves it."""
    parts: list[str] = []
    done = 0
    for match in pattern.finditer(text):
        if match.start() < done:  # inside what is replaced already: looking again would take time without end
            continue
        found = value_of(match)
        if found is not None and found[1] > found[0]:
            parts += (text[done : found[0]], REDACTED)
            done = found[1]
    return "".join(parts) + text[done:] if parts else text


def _without_tokens(text: str) -> str:
    """Return `text` without what is a credential by its form."""
    if "-----BEGIN" in text:
        text = _PRIVATE_KEY.sub(rf"\1{REDACTED}", text)
    if "eyJ" in text:
        text = _JSON_WEB_TOKEN.sub(REDACTED, text)
    if "earer" in text or "EARER" in text:
        text = _BEARER.sub(rf"\1{REDACTED}", text)
    if "asic" in text or "ASIC" in text:
        text = _BASIC.sub(_without_basic, text)
    return text


def _without_basic(match: re.Match[str]) -> str:
    """Return the credentials of basic authentication redacted: base64 of a text with a colon. Else it is a word."""
    try:
        decoded = a2b_base64(match[2] + "=" * (-len(match[2]) % 4))
    except ValueError:
        return match[0]
    return match[1] + REDACTED if b":" in decoded else match[0]


DEFAULT = Redactor()
"""What is used unless something else is configured."""


def redactor_of(setting: bool | Redactor) -> Redactor | None:
    """Return what the setting `redact` stands for: True is the default, False is None, which replaces nothing."""
    if isinstance(setting, Redactor):
        return setting
    return DEFAULT if setting else None
