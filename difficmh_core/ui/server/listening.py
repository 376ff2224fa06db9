"""Where the page listens: an address and a port, tried before anything slow is loaded."""

import errno
import ipaddress
import os
import socket

from difficmh_core.errors import ConfigError

_LOOPBACK = "127.0.0.1"
_ABSENT = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def server_name(host: str) -> str:
    """Write a host as Gradio wants it: it builds a URL of it, where IPv6 stands in brackets.

    >>> server_name("::1"), server_name("[::1]"), server_name("127.0.0.1")
    ('[::1]', '[::1]', '127.0.0.1')
    """
    bare = _without_brackets(host)
    return f"[{bare}]" if _is_ipv6(bare) else host


def check_address(host: str, port: int | None) -> None:
    """Open the port once and close it again.

    Args:
        host: A name, or an IPv4 or IPv6 address, this one with or without brackets.
        port: A port; ``None`` only checks the host.

    Raises:
        ConfigError: If the name is unknown, the address is another machine's, or the port is in
            use or not allowed.
    """
    bare = _without_brackets(host)
    try:
        found = socket.getaddrinfo(bare, port or 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"The host {host!r} is unknown here. Give an address of this machine, such as "
            "127.0.0.1 or ::1, or 0.0.0.0 for all."
        ) from error
    for family, _, _, _, address in found:
        _try(family, address, host, port)
    if port is not None:
        _try(socket.AF_INET, (_LOOPBACK, port), host, port)  # Gradio insists on this one too


def _try(family: int, address: tuple[object, ...], host: str, port: int | None) -> None:
    try:
        with socket.socket(family) as bound:
            if os.name == "posix":  # elsewhere it would open a port that is in use
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind(address)
    except OSError as error:
        raise ConfigError(_words(error, host, port)) from error


def _words(error: OSError, host: str, port: int | None) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use. Choose another with --port, or end what uses it."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This user may not open port {port}. Choose one above 1023 with --port."
    if error.errno in _ABSENT:
        return f"The host {host!r} is no address of this machine. 0.0.0.0 stands for all it has."
    return f"The page cannot listen on {host!r}, port {port}: {error.strerror}."


def _without_brackets(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _is_ipv6(bare: str) -> bool:
    try:
        return ipaddress.ip_address(bare).version == 6
    except ValueError:
        return False
