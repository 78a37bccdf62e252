"""Ends this session when the gate that started it is gone: a killed run must not go on spending."""

import os
import signal
import threading

from l9gate.sources.child import LEASH


def hold_leash() -> None:
    """Watch the pipe whose other end only the gate holds; do nothing if nobody handed one over.

    The variable is removed, so that sessions started by tests do not take it for theirs.
    """
    number = os.environ.pop(LEASH, "")
    if not number.isdigit():
        return
    descriptor = int(number)
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_wait, args=(descriptor,), name="l9gate-leash", daemon=True).start()


def _wait(descriptor: int) -> None:
    os.read(descriptor, 1)  # nothing is ever written: it returns when the other end closes
    os.kill(os.getpid(), signal.SIGINT)
