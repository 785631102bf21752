"""Imported before a client: what it would ask other machines for fails, and is said on standard error."""

import sys

OWN = ("127.0.0.1", "localhost", "::1")


def stay(event, arguments):
    """Keep connections and questions for names on this machine."""
    address = {"socket.connect": lambda: arguments[1][0], "socket.getaddrinfo": lambda: arguments[0]}.get(event)
    if address is not None and (host := address()) not in OWN:
        print(f"It would have asked {host}.", file=sys.stderr)
        raise OSError(f"{host} is another machine")


sys.addaudithook(stay)
