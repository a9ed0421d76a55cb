"""Where the API is."""

import re
from typing import Self
from urllib.parse import urlsplit

from attrs import frozen


class AddressError(ValueError):
    """The URL cannot be the base of an API."""


@frozen
class Address:
    """Where the API is: the origin, and the path that stands before the contract's."""

    secure: bool
    host: str
    port: int
    base: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Reads a base URL such as `https://aihub.instabase.com/api`.

        Raises AddressError, which does not quote the URL: it might have a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            base = parts.path.rstrip("/").encode("ascii").decode("ascii")
        except ValueError:
            raise AddressError("the URL cannot be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AddressError("the URL must start with http:// or https:// and a host")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise AddressError("the URL must have no user, password, query or fragment")
        if re.search(r"[\s\x00-\x20]", url):
            raise AddressError("the URL must have no spaces")
        secure = parts.scheme == "https"
        return cls(secure, parts.hostname, port or (443 if secure else 80), base)

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL, without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.secure else 'http'}://{self.authority}"

    @property
    def local(self) -> bool:
        """Whether the host is this machine by its name."""
        return self.host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", self.host) is not None

    def check_encrypted(self, *, allow_insecure: bool) -> None:
        """Raises AddressError where the token would go over a network in the clear, unless that is allowed."""
        if not (self.secure or self.local or allow_insecure):
            raise AddressError(
                f"the URL would send the token unencrypted to {self.host}. Use https, or --allow-insecure"
                " (in Python: allow_insecure=True)"
            )
