"""Whose work was going on when something passed that only the proxy saw.

Each process that runs tests keeps a page of that for its children, and links it into the run.
"""

from pathlib import Path

from l9gate.observe.attribution import Owner, read_owner

PAGES = ".pages"  # folder in the run: label of a process of the tests → its page


class Pages:
    """Finds the owner of what a program sends."""

    def __init__(self, run: Path) -> None:
        self._folder = run / PAGES

    def find(self, label: str | None) -> Owner | None:
        """Return the current owner of the process that started the sender.

        Args:
            label: names that process. Who sends without one was started by no test: a service
                that works for others, too, is given to nobody because a test happens to run.
        """
        if label is None:
            return None
        page = self._folder / label
        return read_owner(str(page)) if page.parent == self._folder and page.name == label else None
