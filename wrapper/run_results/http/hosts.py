"""Hosts with letters beyond ASCII, written as the domain name system knows them (IDNA, RFC 5891)."""

import httpx


def ascii_host(host: str) -> str:
    """The host in ASCII. Raises `ValueError` for a text that is no host.

    >>> ascii_host("bücher.example")
    'xn--bcher-kva.example'
    """
    try:
        return httpx.URL(scheme="https", host=host).raw_host.decode("ascii")
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
