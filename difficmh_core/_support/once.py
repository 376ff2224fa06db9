"""What is made when it is first needed, and only once, whichever thread asks."""

import threading
from collections.abc import Callable
from typing import TypeVar

MadeT = TypeVar("MadeT")


def once(make: Callable[[], MadeT]) -> Callable[[], MadeT]:
    """Return a function that makes something at its first call and returns it at each.

    If making it fails, the next call tries again.
    """
    making, made = threading.Lock(), list[MadeT]()

    def get() -> MadeT:
        with making:
            if not made:
                made.append(make())
        return made[0]

    return get
