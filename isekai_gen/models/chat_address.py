"""Where a chat model is served, and the key that may be sent there.

Keys come from the environment only, are sent to the address that the user named and to no other,
and stand in no message.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from isekai_gen.errors import ModelError

OWN_KEY = "ISEKAI_GEN_API_KEY"
SHARED_KEY = "OPENAI_API_KEY"
_ENDPOINT = "/chat/completions"
_EXAMPLE = "write such as http://127.0.0.1:8000/v1#MODEL"


@dataclass(frozen=True)
class ChatAddress:
    """A model of an OpenAI-compatible server.

    Attributes:
        base_url: http or https, such as "http://127.0.0.1:8000/v1"; without a slash at the end.
        model: What the server calls it.
    """

    base_url: str
    model: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        _check_base_url(self.base_url)
        if not self.model.strip():
            raise ModelError(f"{self.base_url}: which model? {_EXAMPLE}")
        if not self.model.isprintable():
            raise ModelError(f"{self.model!a} is no name of a model; {_EXAMPLE}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The address behind "BASE_URL#MODEL".

        Raises:
            ModelError: If it is none, or holds a password.
        """
        base_url, _, model = text.partition("#")
        try:
            return cls(base_url, model)
        except ModelError:
            if "@" in text:  # a password with a "#" in it, perhaps; models may have an "@", too
                raise _has_password() from None
            raise

    @property
    def url(self) -> str:
        """Where requests are sent."""
        return self.base_url + _ENDPOINT

    @property
    def host(self) -> str:
        """Host and port, such as "127.0.0.1:8000"."""
        return urlsplit(self.base_url).netloc

    @property
    def is_this_machine(self) -> bool:
        """Whether the server runs here, as far as its address tells."""
        name = urlsplit(self.base_url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"


def api_key(address: ChatAddress) -> str | None:
    """The key to send to a server, from the environment; None if there is none.

    ISEKAI_GEN_API_KEY goes wherever the user points us. OPENAI_API_KEY, which was made for another
    program, is taken in its place, but never sent unencrypted to another machine.

    Raises:
        ModelError: If the key cannot stand in a header.
    """
    own = os.environ.get(OWN_KEY, "").strip()
    encrypted = address.base_url.startswith("https://")
    may_share = encrypted or address.is_this_machine
    shared = os.environ.get(SHARED_KEY, "").strip() if may_share else ""
    key = own or shared
    if not (key.isascii() and key.isprintable()):
        raise ModelError(
            f"{OWN_KEY if own else SHARED_KEY}: has characters that no key has; copy it again"
        )
    return key or None


def _check_base_url(base_url: str) -> None:
    authority = base_url.partition("//")[2].partition("/")[0]
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    usable = usable and base_url.isprintable() and " " not in base_url and _is_sendable(base_url)
    if "@" in (authority if usable else base_url):
        raise _has_password()
    if not usable:
        raise ModelError(f"{base_url!r} is not the address of a server; {_EXAMPLE}")
    _check_plain(parts, base_url)


def _is_sendable(base_url: str) -> bool:
    """Whether the client of HTTP takes the address, too; it refuses hosts that no name can have."""
    import httpx2

    try:
        httpx2.URL(base_url)
    except httpx2.InvalidURL:
        return False
    return True


def _check_plain(parts: SplitResult, base_url: str) -> None:
    if parts.query or parts.fragment:
        raise ModelError(f"{base_url!r}: an address has no '?' and one '#'; {_EXAMPLE}")
    if parts.path.endswith(_ENDPOINT):
        raise ModelError(f"{base_url!r}: leave {_ENDPOINT} out; {_EXAMPLE}")


def _has_password() -> ModelError:
    return ModelError(
        f"the server's address holds a user name or password; leave it out and set {OWN_KEY}"
    )
