"""No credential leaves the process, and nothing else is missing."""

from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ext_appinsights.redaction import DEFAULT, REDACTED, Redactor
from tests.support.secrets import JWT, SECRETS, S

ORDINARY = [
    "https://shop.example/items/7?page=2&sort=price&postcode=12345&encode=utf-8#reviews",
    "https://a.example/x?to=me@b.example&cc=you@c.example",
    "http://[::1]:8080/users/me@b.example",
    "http://localhost:8080/users/me@b.example",
    "me@b.example wrote to you@c.example",
    "code=404 status=500 signature=int->str",
    "exit code: 3, error code: 0x80070005",
    "SyntaxError: Unexpected token: < at line 3",
    "Invalid token: must not be blank",
    "The password must have 8 characters; see the password policy",
    "Password: must have at least 8 characters",
    "the bearer of bad news, Bearer authentication is required",
    "Basic plan, Basic information, basic authentication",
    "tokens=512, max_tokens=4096, next_page_token=abc, token_count=7",
    "author=me secretary=you tokenizer=bpe keyboard=de monkey=1 passage=3",
    "SharedAccessKeyName=RootManageSharedAccessKey",
    "InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://x.in.applicationinsights.azure.com/",
    '{"author": "me", "tokens": 3, "key": "k1", "primary_key": "id", "password_policy": "strong"}',
    "UPDATE t SET key = 3 WHERE id = 7",
    "password=None secret=null token=? pwd=%s password=***",
    "WHERE password = %s AND token = $1",
    "2026-01-02T03:04:05Z 10.0.0.1:443 -> 10.0.0.2:80: connected",
    "eyJ is how JSON begins in base64",
    "KeyError: 'password'",
    "a == b, c = d, e := f",
    "content-type: application/json; charset=utf-8",
]

SECRET_KEYS = [
    "authorization", "Authorization", "proxy-authorization", "http.request.header.authorization", "http.request.header.cookie",
    "http.response.header.set-cookie", "http.request.header.set_cookie", "x-functions-key", "http.request.header.x_functions_key",
    "x-api-key", "api_key", "apiKey", "apikey", "OPENAI_API_KEY", "password", "db.password", "userPassword", "dbpassword", "PASSWD",
    "pwd", "passphrase", "secret", "client_secret", "clientSecret", "secrets", "token", "access_token", "accessToken", "accesstoken",
    "refreshToken", "id_token", "csrf-token", "x-amz-security-token", "credential", "credentials", "connection_string",
    "connectionString", "ConnectionStrings__Db__ConnectionString", "AzureWebJobsStorage_conn_str", "account_key", "AccountKey",
    "SharedAccessKey", "SharedAccessSignature", "storage.sas_token", "private_key", "privateKey", "secret_key", "encryption-key",
    "Ocp-Apim-Subscription-Key", "sig", "url.sig", "auth", "x-auth", "x-zumo-auth", "jwt", "password_hash", "token_value", "otp",
    "session_cookie", "cookie", "cookies", "secret_1", "function_key", "master.key",
]  # fmt: skip

ORDINARY_KEYS = [
    "tokens_used", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.token.type", "max_tokens", "token_count",
    "tokenizer", "author", "authority", "authored_by", "auth.method", "authenticated", "secretary", "password_policy", "secret_name",
    "password.length", "cookie_consent", "credential_type", "token_type", "key", "keys", "primary_key", "foreign_key", "sort_key",
    "partition_key", "keyboard", "monkey", "next_page_token", "nextPageToken", "continuation_token", "signal", "sigma", "design",
    "session.id", "session_id", "user.id", "enduser.role", "http.route", "faas.name", "tenant", "assigned", "hotpot", "pwd_changed",
    "SharedAccessKeyName", "connection", "connections", "string", "passage", "compass", "bypass", "instrumentation_key", "storage_key",
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), SECRETS.items())
def test_a_credential_in_a_text_is_replaced_and_the_rest_stays(text: str, shown: str):
    """URLs, connection strings, headers, JSON, Python's notation, messages."""
    assert DEFAULT.text(text) == shown
    assert S not in shown


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_text_stays(text: str):
    """What is only similar to a credential."""
    assert DEFAULT.text(text) == text


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_a_value_whose_name_says_so_is_replaced_whatever_it_is(key: str):
    """However the name is written."""
    assert [DEFAULT.value(key, value) for value in (S, 1234, ("a", "b"), b"x")] == [REDACTED] * 4
    assert [DEFAULT.value(key, value) for value in (True, None, "")] == [True, None, ""]


@pytest.mark.parametrize("key", ORDINARY_KEYS)
def test_a_value_of_an_ordinary_name_stays(key: str):
    """Also where a part of the name says something else elsewhere."""
    assert [DEFAULT.value(key, value) for value in ("some", 3, 0.5)] == ["some", 3, 0.5]


WRONG = [
    ({"keys": "iban"}, TypeError, "keys is the single text 'iban'. Put it in a list: keys=['iban']."),
    ({"keep": "csrf_token"}, TypeError, "keep is the single text 'csrf_token'. Put it in a list: keep=['csrf_token']."),
    ({"patterns": "cus_1"}, TypeError, "patterns is the single text 'cus_1'. Put it in a list: patterns=['cus_1']."),
    ({"patterns": re.compile("a")}, TypeError, "patterns is the single text 'a'. Put it in a list: patterns=['a']."),
    ({"keys": None}, TypeError, "keys is None. Allowed: a list of texts, such as keys=['iban']."),
    ({"keys": [1]}, TypeError, "keys has 1. Allowed: texts, such as keys=['iban']."),
    ({"keep": ["a", None]}, TypeError, "keep has None. Allowed: texts, such as keep=['csrf_token']."),
    ({"patterns": [b"a"]}, TypeError, r"patterns has b'a'. Allowed: texts, such as patterns=['\\bcus_\\w+']."),
    ({"keys": ["--"]}, ValueError, "keys has '--', which names nothing. Allowed: names with letters or digits."),
    ({"keep": [""]}, ValueError, "keep has '', which names nothing. Allowed: names with letters or digits."),
    ({"patterns": ["("]}, ValueError, "patterns has '(', which is no regular expression: missing ), unterminated subpattern at position 0."),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "kind", "said"), WRONG, ids=[str(one[0]) for one in WRONG])
def test_what_would_not_redact_as_meant_is_refused_at_once(arguments, kind, said):
    """The letters of `keys="iban"` would be names, and the IBAN would leave the process."""
    with pytest.raises(kind) as raised:
        Redactor(**arguments)

    assert str(raised.value) == f"Redactor: {said}"


@pytest.mark.parametrize("pattern", ["", "x*", "a|", r"\b", "^", "(?i)"])
def test_a_pattern_that_needs_no_character_is_refused(pattern: str):
    """It would spoil every text."""
    with pytest.raises(ValueError, match="REDACTED would be all over each text") as raised:
        Redactor(patterns=[pattern])

    assert str(raised.value).startswith(
        f"Redactor: patterns has {pattern!r}, which also matches where there is nothing"
    )


def test_names_and_patterns_come_in_any_collection():
    """Also compiled, and from a generator."""
    redactor = Redactor(keys=(name for name in ["iban"]), patterns={re.compile("cus_[0-9]+")})

    assert redactor.text("iban=DE1 of cus_7") == "iban=REDACTED of REDACTED"


PIECES = st.lists(
    st.text(max_size=6)
    | st.sampled_from(
        ["password", "=", ": ", '"', "'", "\\", "?", "&", ";", "://", "@", "https", "Bearer ", "Basic ", "eyJ", "token", "%3D", "%3F",
         "REDACTED", "a1.b2", "-----BEGIN PRIVATE KEY-----", "-----END", "x-api-key", "code", " ", "\n", "/", ":", "[", "{", JWT, S]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(PIECES)
@example("'password':'" + "'" * 9)
def test_what_is_redacted_stays_as_it_is(text: str):
    """Twice is as good as once, and no text makes it fail."""
    once = DEFAULT.text(text)

    assert DEFAULT.text(once) == once


@given(PIECES)
def test_the_quick_look_misses_nothing(text: str):
    """What is not suspected is what would not be changed."""
    assert DEFAULT.suspects(text) or Redactor(patterns=["(?!)"]).text(text) == text


@pytest.mark.parametrize(
    "piece",
    ["a://b:", "eyJ-", "password=", "x-", '"a":', "'", "://", "a" * 50, "=", "%3D", "Bearer ", "Basic a", "-----BEGIN PRIVATE KEY-----",
     "a.b-c_", ": ", "password: a", '\\"', "@", "://@", "code=&", "?sig="],
)  # fmt: skip
def test_no_text_takes_more_than_its_length(piece: str):
    """What callers send must not hold up the export: ten times the text, not a hundred times the time."""
    short, long = piece * (2_000 // len(piece)), piece * (40_000 // len(piece))
    DEFAULT.text(short)

    def took(text: str) -> float:
        started = process_time()
        DEFAULT.text(text)
        return process_time() - started

    assert min(took(long) for _ in range(3)) < 0.5, "a quadratic expression takes seconds for this"


def test_many_pairs_in_a_long_text_take_no_more_than_its_length():
    """None of them looks through all of it for a semicolon."""
    text = '"password=x' * 200_000
    started = process_time()
    DEFAULT.text(text)

    assert process_time() - started < 5.0, "to look through all of it takes minutes"
