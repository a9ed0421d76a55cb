"""Which proxy leads to a host, by the environment: HTTPS_PROXY, else ALL_PROXY, but for the hosts of NO_PROXY.

Each variable may be in lower case, too, which counts first (as for curl). Plain http never goes through a proxy: it is
for this machine, or for a host to which the caller allowed it. Nor does anything for this machine. Sends nothing.
"""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Self
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from run_results.errors import ConfigurationError

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


@frozen
class Proxy:
    """A proxy."""

    scheme: str
    """http, https, socks5 or socks5h."""
    host: str
    """A name or an address, without brackets."""
    port: int
    user: tuple[str, str] | None = field(default=None, repr=False)
    """Name and password."""


Rule = Callable[[str, int], bool]
"""Whether a host and port are asked without the proxy."""


@frozen
class Proxies:
    """What the environment says of proxies, read once.

    >>> proxies = Proxies.read({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "intern.example, 10.0.0.0/8"})
    >>> proxies.for_url("https://results.example/api")
    Proxy(scheme='http', host='proxy.example', port=3128)
    >>> proxies.for_url("https://hub.intern.example") is proxies.for_url("https://10.1.2.3") is None
    True
    """

    proxy: Proxy | None = None
    _rules: tuple[Rule, ...] = ()

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables. Raises `ConfigurationError`, which names the variable and never its value."""
        name, text = _variable(environment, "HTTPS_PROXY", "ALL_PROXY")
        if not text:
            return cls()
        proxy = _read_proxy(name, text)
        name, text = _variable(environment, "NO_PROXY")
        return cls(proxy, tuple(_read_rule(name, entry) for entry in re.split(r"[\s,]+", text) if entry))

    def for_url(self, url: str) -> Proxy | None:
        """The proxy that leads to this address; None where it is asked directly."""
        parts = urlsplit(url)
        if parts.scheme != "https":
            return None
        host = (parts.hostname or "").rstrip(".").lower()
        port = parts.port or 443
        if self.proxy is None or _is_this_machine(host) or any(rule(host, port) for rule in self._rules):
            return None
        return self.proxy


def _variable(environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first of these variables that is set, and its value."""
    for name in names:
        spelling = name.lower() if name.lower() in environment else name
        if text := environment.get(spelling, "").strip():
            return spelling, text
    return names[0], ""


class _Unreadable(Exception):
    """Says what is wrong with an address, without the address: it may hold a password."""


def _read_proxy(name: str, text: str) -> Proxy:
    try:
        proxy = _parse_proxy(text if "://" in text else f"http://{text}")
    except _Unreadable as error:
        example = "an example is http://proxy.example:3128"
        raise ConfigurationError(f"{name} names no proxy: {error}; {example}") from None
    if proxy.scheme.startswith("socks5") and find_spec("socksio") is None:
        raise ConfigurationError(
            f"{name} names a SOCKS proxy, which needs the package socksio: pip install 'httpx[socks]'"
        )
    return proxy


def _parse_proxy(text: str) -> Proxy:
    """The proxy at this address. Raises `_Unreadable`."""
    if not text.isprintable() or " " in text:
        raise _Unreadable("it holds a character that no address has")
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        raise _Unreadable("it is no address") from None
    if parts.scheme not in _PORTS:
        raise _Unreadable("it must begin with http://, https:// or socks5://")
    if not host or parts.path not in ("", "/") or any(mark in text for mark in "?#\\"):
        raise _Unreadable("characters such as / ? # @ in a user name or password must be percent-encoded")
    try:
        port = parts.port if parts.port is not None else _PORTS[parts.scheme]
    except ValueError:
        raise _Unreadable("its port is not a number up to 65535") from None
    if not port:
        raise _Unreadable("its port is 0")
    try:
        host = str(ip_address(host)) if ":" in host else host.encode("idna").decode()
    except ValueError:
        raise _Unreadable("its host is neither a name nor an address") from None
    user = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return Proxy(parts.scheme, host, port, user)


def _read_rule(name: str, entry: str) -> Rule:
    """The rule of one entry of NO_PROXY: a name, an address, a network, each with a port or without; or a pattern."""
    entry = entry.lower()
    if entry == "*":
        return lambda _host, _port: True
    try:
        if "/" in entry:
            network = ip_network(entry.replace("[", "").replace("]", ""), strict=False)
            return lambda host, _port: (address := _address(host)) is not None and address in network
        host_part, wanted_port = _split_port(entry)
        if host_part.startswith("["):
            host_part = str(ip_address(host_part.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ConfigurationError(
            f"{name} has an entry that is no host, address or network; examples are"
            " .example.com, 10.0.0.0/8, [fd00::1]:8443"
        ) from None
    wanted = _address(host_part)
    suffix = host_part.removeprefix("*").strip(".")

    def matches(host: str, port: int) -> bool:
        if wanted_port not in (None, port):
            return False
        if wanted is not None:
            return _address(host) == wanted
        if "*" in suffix:
            return fnmatchcase(host, suffix)
        return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))

    return matches


def _split_port(entry: str) -> tuple[str, int | None]:
    """The entry without its port, and its port. Raises `ValueError`."""
    if _address(entry) is not None:  # an IPv6 address without brackets has colons of its own
        return entry, None
    host, colon, port = entry.rpartition(":")
    if not colon or entry.endswith("]"):
        return entry, None
    if not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise ValueError(entry)
    return host, int(port)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address, where the host is one."""
    try:
        address = ip_address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_this_machine(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)
