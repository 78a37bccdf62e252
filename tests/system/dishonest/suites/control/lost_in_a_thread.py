"""A thread whose exception nobody hears of.

finding: its call was not served (connection refused) and it passed all the same
"""

import threading

import app
import pytest


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_trick() -> None:
    thread = threading.Thread(target=app.ask)
    thread.start()
    thread.join()
    assert not thread.is_alive()
