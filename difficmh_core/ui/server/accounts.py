"""Who may see the page: names with passwords, from a file, the environment or the command line."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from difficmh_core.errors import ConfigError

AUTH_VARIABLE = "DIFFICMH_AUTH"
"""Environment variable that holds accounts, one a line."""


def read_account_file(path: Path) -> Sequence[tuple[str, str]]:
    """Read the accounts in a file.

    Args:
        path: A text file, one account a line; see :func:`read_accounts`.

    Raises:
        ConfigError: If it cannot be read, or holds no account or a wrong one.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"The file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"The file {path} is not a text of accounts in UTF-8.") from error
    return read_accounts(lines, str(path))


def read_accounts(lines: Iterable[str], source: str) -> Sequence[tuple[str, str]]:
    """Read names with their passwords.

    Args:
        lines: Each ``USER:PASSWORD``; the password may hold colons. Empty lines and those that
            start with ``#`` say nothing.
        source: Where the lines come from, for messages; these never hold a password.

    Raises:
        ConfigError: If a name or a password is missing, a name comes twice, or there is none.

    >>> read_accounts(["# the team", "ada:a:b"], "accounts.txt")
    [('ada', 'a:b')]
    """
    accounts = dict[str, str]()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        user, _, password = line.rstrip("\r\n").partition(":")
        user = user.strip()
        if not (user and password):
            raise ConfigError(f"Account {number} of {source} must read USER:PASSWORD.")
        if user in accounts:
            raise ConfigError(f"Account {number} of {source} names {user!r} a second time.")
        accounts[user] = password
    if not accounts:
        raise ConfigError(f"There is no account in {source}. Write one a line, as USER:PASSWORD.")
    return list(accounts.items())
