"""Files by their address on the internet, for hosts that want it; off unless they do.

A server that fetches for strangers must not fetch from its own neighborhood. Where a connection
goes is decided here by the address that a name resolves to, and that very address is connected
to, so that a second answer of the name server changes nothing. Redirects go the same way.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import anyio
import httpcore

from difficmh_core.errors import DiffICMHError
from difficmh_core.ui.runtime import texts
from difficmh_core.ui.runtime.served_files import ServedFiles

MAX_S = 10.0
"""A fetch takes at most this time, redirects included [s]."""
MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_PORT_OF = {"http": 80, "https": 443}
_PORTS = tuple(_PORT_OF.values())
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NEVER = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "::/96")))
"""Local translation (RFC 8215), and IPv4 written as IPv6 in a way that is no longer used."""
_SCHEME = re.compile(r"\s*(https?|ftp|file):", re.IGNORECASE)


class AddressError(DiffICMHError):
    """An address cannot, or must not, be fetched."""


class Fetcher:
    """Fetches what callers name by an address, and files it as if they had uploaded it."""

    def __init__(
        self,
        files: ServedFiles,
        *,
        max_bytes: int,
        max_s: float = MAX_S,
        is_allowed: Callable[[str], bool] | None = None,
        ports: Sequence[int] = _PORTS,
    ) -> None:
        """Begin with nothing fetched.

        Args:
            files: Keeps them.
            max_bytes: Largest file [bytes].
            max_s: Longest time for one [s].
            is_allowed: Whether to connect to an IP address; ``None`` takes :func:`is_public`.
            ports: Those that may be asked.
        """
        self._files = files
        self._max_bytes = max_bytes
        self._max_s = max_s
        self._is_allowed = is_allowed or is_public
        self._ports = ports

    async def fetch(self, url: str) -> str:
        """Fetch the file at an address, and name it as it is kept now.

        Raises:
            AddressError: If it is not public, does not answer, or holds too much.
        """
        network = _PublicNetwork(self._is_allowed)
        try:
            with anyio.fail_after(self._max_s):
                async with httpcore.AsyncConnectionPool(network_backend=network) as pool:
                    data = await self._get(pool, url)
        except TimeoutError as error:
            raise AddressError(texts.ADDRESS_SLOW.format(seconds=self._max_s)) from error
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError, UnicodeError) as error:
            raise AddressError(texts.ADDRESS_SILENT) from error
        with self._files.room_for(len(data)):
            return self._files.store_upload(data, _name_of(url))

    async def _get(self, pool: httpcore.AsyncConnectionPool, url: str) -> bytes:
        for _ in range(1 + MAX_REDIRECTS):
            self._check(url)
            async with pool.stream("GET", url, headers={"user-agent": "difficmh"}) as response:
                if response.status in _REDIRECTS:
                    headers = {name.lower(): value for name, value in response.headers}
                    url = urljoin(url, headers.get(b"location", b"").decode("latin-1"))
                    continue
                if response.status != 200:
                    raise AddressError(texts.ADDRESS_STATUS.format(status=response.status))
                data = bytearray()
                async for part in response.aiter_stream():
                    data += part
                    if len(data) > self._max_bytes:
                        most = self._max_bytes / 1e6
                        raise AddressError(texts.ADDRESS_LARGE.format(most=most))
                return bytes(data)
        raise AddressError(texts.ADDRESS_SENDS_ON)

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port or _PORT_OF.get(parts.scheme)
        except ValueError as error:  # brackets without an address in them, a port without digits
            raise AddressError(texts.ADDRESS_PRIVATE) from error
        is_plain = url.isascii() and url.isprintable() and parts.username is None
        if not is_plain or parts.scheme not in _PORT_OF or port not in self._ports:
            raise AddressError(texts.ADDRESS_PRIVATE)
        if not parts.hostname:
            raise AddressError(texts.ADDRESS_PRIVATE)


class _PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to allowed addresses only, whatever a name resolves to."""

    def __init__(self, is_allowed: Callable[[str], bool]) -> None:
        self._is_allowed = is_allowed
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(place[0]) for *_, place in found]
        if not addresses or not all(map(self._is_allowed, addresses)):
            raise AddressError(texts.ADDRESS_PRIVATE)
        return await self._network.connect_tcp(
            addresses[0], port, timeout, local_address, socket_options
        )


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the public internet.

    >>> is_public("93.184.215.14"), is_public("127.0.0.1"), is_public("169.254.169.254")
    (True, False, False)
    >>> is_public("::ffff:10.0.0.1"), is_public("64:ff9b::7f00:1"), is_public("2002:7f00:1::")
    (False, False, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if ip.teredo is not None or any(ip in network for network in _NEVER):
            return False
        ip = carried or ip
    return ip.is_global and not ip.is_multicast


def is_address(named: object) -> bool:
    """Tell whether something is an address, as programs and assistants name files.

    >>> is_address(" HTTP://example.org/a.png"), is_address("/tmp/a.png"), is_address(3)
    (True, False, False)
    """
    return isinstance(named, str) and _SCHEME.match(named) is not None


def _name_of(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).name or "file"
