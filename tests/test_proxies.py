"""Which proxy leads to a host: what the environment says, read as curl, Go and requests read it."""

import string
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results.errors import ConfigurationError
from run_results.http.proxies import Proxies, Proxy

PROXY = "http://proxy.example:3128"
LABELS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8).map(lambda text: f"h{text}")
HOSTS = st.lists(LABELS, min_size=2, max_size=4).map(".".join)
PORTS = st.integers(1, 65_535)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
    lambda address: not address.is_loopback and getattr(address, "ipv4_mapped", None) is None
)


def address(host: Any, port: int | None = None) -> str:
    """An https address."""
    text = f"[{host}]" if ":" in str(host) else str(host)
    return f"https://{text}{f':{port}' if port is not None else ''}/api/v2"


def is_direct(no_proxy: str, url: str) -> bool:
    """Whether a host is asked without the proxy."""
    return Proxies.read({"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}).for_url(url) is None


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "https://results.example", False),
        ("*", "https://results.example", True),
        ("other.example, *", "https://results.example", True),
        ("results.example", "https://results.example", True),
        (".results.example", "https://results.example", True),
        ("results.example", "https://hub.results.example", True),
        ("*.results.example", "https://hub.results.example", True),
        ("results.example", "https://otherresults.example", False),
        ("RESULTS.example", "https://results.EXAMPLE.", True),
        ("a.example b.example,c.example", "https://b.example", True),
        ("results.example:8443", "https://results.example:8443", True),
        ("results.example:8443", "https://results.example", False),
        ("results.example:443", "https://results.example", True),
        ("10.128.0.0/16", "https://10.128.3.4", True),
        ("10.128.0.0/16", "https://10.129.3.4", False),
        ("10.128.3.4/16", "https://10.128.0.1", True),
        ("10.128.0.0/16", "https://10.128.3.4.example", False),
        ("10.128.3.4", "https://10.128.3.4:8443", True),
        ("10.*", "https://10.128.3.4", True),
        ("fd00::/8", "https://[fd12::1]", True),
        ("[fd00::]/8", "https://[fd12::1]", True),
        ("fd00::/8", "https://[fe80::1]", False),
        ("[fd00::1]", "https://[fd00:0::1]", True),
        ("fd00::1", "https://[fd00::1]:8443", True),
        ("[fd00::1]:8443", "https://[fd00::1]:8443", True),
        ("[fd00::1]:8443", "https://[fd00::1]", False),
        ("10.0.0.0/8", "https://[::ffff:10.1.2.3]", True),
        ("", "https://localhost", True),
        ("", "https://hub.localhost:8443", True),
        ("", "https://127.0.0.1", True),
        ("", "https://[::1]:8443", True),
        ("", "http://results.example", True),
    ],
)
def test_who_is_asked_without_the_proxy(no_proxy: str, url: str, direct: bool) -> None:
    """Names with and without a dot, ports, addresses, networks, brackets and patterns; never plain http or loopback."""
    assert is_direct(no_proxy, url) is direct


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "fd00::/200", "host/8", "host:99999", "host:port", "[fd00::1", "[]"])
def test_an_exception_that_cannot_be_read_is_an_error(entry: str) -> None:
    """NO_PROXY is named: an entry that is ignored would send a host's requests where they must not go."""
    with pytest.raises(ConfigurationError, match="NO_PROXY has an entry"):
        Proxies.read({"HTTPS_PROXY": PROXY, "NO_PROXY": f"results.example,{entry}"})
    assert Proxies.read({"NO_PROXY": entry}).proxy is None, "without a proxy there are no exceptions"


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://p"}, None),
        ({"HTTPS_PROXY": "http://p"}, "p"),
        ({"ALL_PROXY": "http://p"}, "p"),
        ({"ALL_PROXY": "http://p", "HTTPS_PROXY": "http://q"}, "q"),
        ({"https_proxy": "http://q", "HTTPS_PROXY": "http://p"}, "q"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://p"}, None),
        ({"https_proxy": "", "all_proxy": "http://p"}, "p"),
        ({"HTTPS_PROXY": "p:8080"}, "p"),
        ({"HTTPS_PROXY": " http://p "}, "p"),
    ],
)
def test_which_variable_counts(environment: dict[str, str], host: str | None) -> None:
    """HTTPS_PROXY before ALL_PROXY, lower case before upper case; an empty one counts as none."""
    proxy = Proxies.read(environment).proxy
    assert (proxy and proxy.host) == host


@given(st.sampled_from(["http", "https"]), HOSTS | ADDRESSES, st.none() | PORTS, st.text(min_size=1), st.text())
def test_an_address_is_read_as_it_was_meant(scheme: str, host: Any, port: int | None, user: str, password: str) -> None:
    """Scheme, host, port and a percent-encoded user and password come out as they went in."""
    where = address(host, port).removeprefix("https://").removesuffix("/api/v2")
    text = f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{where}"
    default = {"http": 80, "https": 443}[scheme]
    assert Proxies.read({"HTTPS_PROXY": text}).proxy == Proxy(scheme, str(host), port or default, (user, password))


SECRET = st.text("hunterABC0123", min_size=8, max_size=12)
BROKEN = st.sampled_from(
    [
        "http://u:{}#x@p:8080",
        "http://u:{}/x@p:8080",
        "http://u:{}?x@p:8080",
        "http://u:{}@p:99999",
        "http://u:{}@p:port",
        "http://u:{}@p:0",
        "http://u:{} x@p:1",
        "http://u:{}@[p",
        "http://u:{}@",
        "ftp://u:{}@p",
        "{}://p",
        "http://u:{}\x00@p",
        "http://u:{}@p..example",
        "socks5://u:{}@p",
    ]
)


@given(BROKEN, SECRET)
def test_no_error_shows_a_piece_of_the_value(text: str, secret: str) -> None:
    """What cannot be read is named by its variable; nothing of the value, nor of what it may hold, is shown."""
    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY names") as caught:
        Proxies.read({"HTTPS_PROXY": text.format(secret)})
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@given(st.text(), st.text())
def test_whatever_the_environment_holds_it_is_read_or_refused(proxy: str, no_proxy: str) -> None:
    """There is no third way."""
    try:
        proxies = Proxies.read({"ALL_PROXY": proxy, "NO_PROXY": no_proxy})
    except ConfigurationError:
        return
    assert proxies.for_url("https://results.example") in (None, proxies.proxy)


@given(HOSTS, LABELS, PORTS, PORTS, st.sampled_from(["", ".", "*."]))
def test_a_name_covers_what_is_below_it(host: str, label: str, port: int, other: int, dot: str) -> None:
    """With and without a dot, a name stands for itself and its subdomains; with a port for that port alone."""
    assert is_direct(dot + host, address(host, port))
    assert is_direct(dot + host, address(f"{label}.{host}", port))
    assert not is_direct(dot + host, address(label + host, port))
    assert is_direct(f"{dot}{host}:{port}", address(host, other)) is (port == other)


@given(ADDRESSES, ADDRESSES, st.integers(0, 128))
def test_a_network_covers_its_addresses(one: Any, other: Any, prefix: int) -> None:
    """Networks of both families hold exactly what `ipaddress` says; an address alone holds itself."""
    network = ip_network(f"{one}/{min(prefix, one.max_prefixlen)}", strict=False)
    assert is_direct(str(network), address(one))
    assert is_direct(str(network), address(other)) is (other in network)
    assert is_direct(str(one), address(other)) is (one == other)
    assert is_direct(f"[{one}]", address(one))
    assert ip_address(str(one)) == one
