"""How many connections the system lets this process have."""

import sys

_RESERVE = 64  # for everything that is no connection


def allow_descriptors(wanted: int) -> int:
    """Ask for so many connections and return how many there may be, at least one.

    A load that ran out of descriptors would call the endpoint unreachable.
    """
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + _RESERVE:
        most = wanted + _RESERVE
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(min(wanted, soft - _RESERVE), 1)
