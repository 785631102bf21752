"""Names that say that their value is a credential."""

from __future__ import annotations

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[\W_]+")

_SECRET = re.compile(
    r"""
    (?:
        passwords? | passwd | passphrase | passcode | pwd
      | secrets? | credentials? | authorization | jwt
      | connection_?string | conn_?str
      | access_?signature
      | (?: ^ | _ | session | auth ) cookies?
      | (?: api | access | account | auth | encryption | functions? | integration | management | master | private
          | sas | secret | security | shared | signing | subscription | webhook ) _? keys?
      | (?: ^ | _ ) (?: apikeys? | sig | otp )
      | ^ (?: x_ | proxy_ | x_zumo_ )? auth
      | (?<! next )(?<! next_ )(?<! page )(?<! page_ )(?<! continuation )(?<! continuation_ )
        (?<! cancellation )(?<! cancellation_ )(?<! max_ )(?<! min_ )(?<! first_ )(?<! last_ )(?<! per_ ) token
    )
    (?: _ (?: values? | header | hash | text | raw | base64 | [0-9]+ ) )*
    $""",
    re.VERBOSE,
)
"""The end of a plain name. What a name ends with is what it is the name of: a `password_policy` is a policy, `tokens`
are counted. `pwd` is here although shells have it for a folder, because connection strings have `Pwd=`."""

_SECRET_IN_QUERY = frozenset({"code", "awsaccesskeyid"})
"""A function's key (or the code of a login), and what OpenTelemetry's conventions name for `url.full`, beside
`sig` and whatever ends with `signature`."""


def normal(name: str) -> str:
    """Return a name in lower case with underscores between its words: `X-Api-Key` and `xApiKey` are `x_api_key`."""
    return _BETWEEN.sub("_", _CAMEL.sub("_", name[-256:])).strip("_").lower()


def says_secret(plain: str) -> bool:
    """Whether a name, made plain by `normal`, says that its value is a credential."""
    return _SECRET.search(plain) is not None


def says_secret_in_query(name: str) -> bool:
    """Whether a parameter of a URL is one of those that give access, although their names are ordinary elsewhere."""
    lower = name.lower()
    return lower in _SECRET_IN_QUERY or lower.endswith("signature")
