"""The code for sets of tags: one number for each set, so that order costs nothing.

In the combinatorial number system, the set ``{c_1 < c_2 < ... < c_n}`` has the rank
``C(c_1, 1) + C(c_2, 2) + ... + C(c_n, n)``, which runs over ``0 .. C(universe, n) - 1``. The rank
is stored in the fewest bytes that hold ``ceil(log2 C(universe, n))`` bits, most significant byte
first: 8 of 4,585 tags in 11 bytes, where their ids in 13 bits each would take 13.

References:
    Knuth: The Art of Computer Programming, volume 4A, section 7.2.1.3, theorem L.
"""

import bisect
import math
from collections.abc import Sequence

from difficmh_core.errors import ConfigError, CorruptBitstreamError


def set_code_bytes(n: int, universe: int) -> int:
    """Return the size of the code of any set of ``n`` ids [bytes].

    >>> set_code_bytes(8, 4585)
    11

    Raises:
        ConfigError: If there is no such set.
    """
    if not 0 <= n <= universe:
        raise ConfigError(f"A set of {universe} ids has 0 to {universe} members, not {n}.")
    return ((math.comb(universe, n) - 1).bit_length() + 7) // 8


def encode_set(ids: Sequence[int], universe: int) -> bytes:
    """Return the code of a set.

    >>> encode_set([2, 0], universe=4).hex()
    '01'

    Args:
        ids: The members, each once, in any order.
        universe: Number of possible ids, which start at 0.

    Raises:
        ConfigError: If an id is out of range or given twice.
    """
    ascending = sorted(ids)
    if ascending and not (ascending[0] >= 0 and ascending[-1] < universe):
        raise ConfigError(
            f"Tag ids must lie in 0 to {universe - 1}, got {ascending[0]} to {ascending[-1]}. "
            "Take them from the vocabulary of this profile."
        )
    if len(set(ascending)) != len(ascending):
        raise ConfigError(f"Each tag can be stored once, got the ids {ascending}. Remove some.")
    rank = sum(math.comb(member, place) for place, member in enumerate(ascending, start=1))
    return rank.to_bytes(set_code_bytes(len(ascending), universe), "big")


def decode_set(data: bytes, n: int, universe: int) -> tuple[int, ...]:
    """Return the members of a set, ascending.

    >>> decode_set(bytes([1]), n=2, universe=4)
    (0, 2)

    Args:
        data: What :func:`encode_set` returned.
        n: Number of members.
        universe: Number of possible ids.

    Raises:
        CorruptBitstreamError: If no set has this code.
    """
    if not 0 <= n <= universe:
        raise CorruptBitstreamError(
            f"The file announces {n} of {universe} tags. It is damaged; copy it again."
        )
    n_bytes, n_sets = set_code_bytes(n, universe), math.comb(universe, n)
    rank = int.from_bytes(data, "big")
    if len(data) != n_bytes or rank >= n_sets:
        raise CorruptBitstreamError(
            f"The tags are coded in {len(data)} bytes with a rank that no set of {n} in "
            f"{universe} tags has; {n_bytes} bytes were expected. Copy the file again."
        )
    members = list[int]()
    for place in range(n, 0, -1):
        # The largest id whose share of the rank still fits; below the one found before.
        candidates = range(members[-1] if members else universe)
        member = bisect.bisect_right(candidates, rank, key=lambda id_: math.comb(id_, place)) - 1
        members.append(member)
        rank -= math.comb(member, place)
    return tuple(reversed(members))
