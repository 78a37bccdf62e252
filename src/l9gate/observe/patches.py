"""A method of somebody else's class, replaced for a while."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patch:
    """One replaced method of one class."""

    owner: type
    name: str
    original: object
    patched: object

    @property
    def is_in_place(self) -> bool:
        """Whether nobody, such as a mock library, has put something else there since."""
        return getattr(self.owner, self.name) is self.patched

    def undo(self) -> None:
        """Put the original back, unless somebody has patched over ours."""
        if self.is_in_place:
            setattr(self.owner, self.name, self.original)


def replace(owner: type, name: str, patched: object) -> Patch:
    """Put a function in the place of a method; the patch remembers what was there."""
    patch = Patch(owner, name, getattr(owner, name), patched)
    setattr(owner, name, patched)
    return patch
