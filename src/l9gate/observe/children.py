"""The processes that tests start: what they are told, and what they tell.

They find a folder in `L9GATE_WATCH`, with a page that says what goes on now. Python children read
it through the start-up hook; all others are under the filter in the kernel.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec

from l9gate.observe import attribution, startup
from l9gate.observe.attribution import Owner, read_owner
from l9gate.observe.border import find_place
from l9gate.observe.kernel import start_filter
from l9gate.observe.origins import Target
from l9gate.observe.page import (
    FACTS,
    PAGE,
    REFUSED,
    Page,
    append_line,
    format_line,
    parse_line,
    read_page,
)

NATIVE = "native code"  # of the tests' own process, such as gRPC, libcurl and libpq
WATCH = "L9GATE_WATCH"
OFF = "L9GATE_OFF"
_HOOK = str(Path(startup.__file__).parent)
_PATH = "PYTHONPATH"
_PYTHON = re.compile(r"(python|pypy)[\d.]*$")
_WITHOUT_HOOK = re.compile(r"-[A-Za-z]*[ISE]")
# audit event of a start → which argument names the program, and which holds its words
_STARTS = {
    "subprocess.Popen": (0, 1),
    "os.posix_spawn": (0, 1),
    "os.exec": (0, 1),
    "os.system": (None, None),
}
# Of `subprocess.Popen`, in their order, as far as `env`.
_POPEN_NAMES = (
    *("bufsize", "executable", "stdin", "stdout", "stderr"),
    *("preexec_fn", "close_fds", "shell", "cwd", "env"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A program that a unit test started, and that nothing keeps from the network."""

    program: str
    test: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run that Python children record into."""

    path: Path
    target: Target


class _Process:
    """Whose children are watched in this process, if anybody's."""

    is_installed: bool = False
    children: "Children | None" = None


class Children:
    """Prepares children while it is started; there is one at a time."""

    def __init__(self, root: Path, run: RunFacts | None = None) -> None:
        """Make the folder.

        Args:
            root: the project's folder.
            run: what children record into; without it they are only guarded.
        """
        self._process = os.getpid()
        self._root = str(root)
        self._folder = Path(tempfile.mkdtemp(prefix="l9gate-watch-"))
        self._page = Page(str(self._folder / PAGE))
        self._refused = self._folder / REFUSED
        self._refused.touch()
        self._read_bytes = 0
        self._guarded: str | None = None
        self._owner: Owner | None = None
        self._is_filtered: bool | None = None  # None: nobody has asked for it yet
        self._strays: dict[Stray, None] = {}
        self._environ: dict[str, str | None] = {}
        self._popen = subprocess.Popen.__init__
        self._is_over = False
        self._started: dict[str, str] = {}  # by the test that runs: program → file:line
        if run is not None:
            (self._folder / FACTS).write_bytes(format_line(_facts_of(run)))

    def start(self) -> None:
        """Prepare every child from now on."""
        if not _Process.is_installed:
            _Process.is_installed = True
            sys.addaudithook(_notice)
            os.register_at_fork(after_in_child=_follow)
        _Process.children = self
        attribution.set_listener(self._note_owner)
        if os.environ.get(OFF) != "1":
            self._environ = {name: os.environ.get(name) for name in (WATCH, _PATH)}
            os.environ.update(self.hooked(os.environ))
            subprocess.Popen.__init__ = self._patched_popen()  # type: ignore[method-assign]

    def stop(self) -> None:
        """Leave everything as it was; children that outlive this stay guarded if they were."""
        if self._is_over:
            return
        self._is_over = True
        _Process.children = None
        attribution.set_listener(None)
        subprocess.Popen.__init__ = self._popen  # type: ignore[method-assign]
        for name, value in self._environ.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._page.close()
        if os.getpid() == self._process:  # a fork of it may run to pytest's end as well
            shutil.rmtree(self._folder, ignore_errors=True)

    def guard(self, test: str | None) -> None:
        """Say in whose name the network is refused; None for nobody's."""
        if test is not None and self._is_filtered is None:
            self._is_filtered = os.environ.get(OFF) != "1" and start_filter(self._folder)
            if not self._is_filtered:
                self._note_stray(NATIVE, test, None)
        if test is not None:
            self._started.clear()
        self._guarded = test
        self._publish()

    def hooked(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that a child shall have, with the start-up hook among them."""
        before = environ.get(_PATH, "").split(os.pathsep)
        paths = [path for path in before if path not in ("", _HOOK)]
        hook = {WATCH: str(self._folder), _PATH: os.pathsep.join([_HOOK, *paths])}
        return {**environ, **({} if environ.get(OFF) == "1" else hook)}

    def take_refused(self) -> list[dict[str, str]]:
        """Return, once, what children and the filter have refused."""
        try:
            if self._refused.stat().st_size == self._read_bytes:
                return []
            with self._refused.open("rb") as file:
                file.seek(self._read_bytes)
                lines = file.read().splitlines(keepends=True)
        except OSError:
            return []  # somebody has cleaned up
        whole = [line for line in lines if line.endswith(b"\n")]
        self._read_bytes += sum(map(len, whole))
        found = [parse_line(line) for line in whole]
        for fields in found:
            fields["started_at"] = self._place_of(fields.get("program", ""))
            if not fields.get("destination"):  # the filter could not look
                self._note_stray(fields.get("program") or "this process", fields["test"], None)
        return [fields for fields in found if fields.get("destination")]

    def take_strays(self) -> list[Stray]:
        """Return, once, the programs that unit tests started and that nothing guards."""
        found = list(self._strays)
        self._strays.clear()
        return found

    def read_guarded(self) -> str | None:
        """Return in whose name the network is refused, asked from a forked process."""
        return (read_page(str(self._folder / PAGE)) or {}).get("guarded") or None

    def tell_refused(self, destination: str, test: str, place: str | None) -> None:
        """Tell the process that runs the tests, from a forked one, what was refused."""
        fields = {"destination": destination, "test": test, "place": place or ""}
        try:
            append_line(str(self._refused), {**fields, "program": "fork of the tests' process"})
        except OSError:
            return  # the session is over

    def note_start(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take note of a program that is about to be started."""
        if self._guarded is None:
            return
        program, words = _program_of(event, arguments)
        place = find_place(sys._getframe(2), self._root)  # noqa: SLF001 - the only way to it
        self._started[Path(program).name] = place or ""
        if not self._is_filtered and (not _runs_hook(program, words) or os.environ.get(OFF) == "1"):
            self._note_stray(program, self._guarded, place)

    def follow(self) -> None:
        """Go on in a process that was forked: ask the page, and not a memory that stands still."""
        page = str(self._folder / PAGE)
        attribution.follow(lambda: read_owner(page))

    def _place_of(self, program: str) -> str:
        """Return where a program was started; a shell starts others, so else the only one was."""
        places = set(self._started.values())
        only = places.pop() if len(places) == 1 else ""
        return self._started.get(Path(program).name, only) if program else ""

    def _note_stray(self, program: str, test: str, place: str | None) -> None:
        name = os.path.basename(program)  # noqa: PTH119
        self._strays[Stray(program=name, test=test, place=place)] = None

    def _note_owner(self, owner: Owner | None) -> None:
        self._owner = owner
        self._publish()

    def _publish(self) -> None:
        owner = self._owner
        self._page.write(
            {
                "guarded": self._guarded or "",
                "owner": "" if owner is None else owner.id,
                "layer": "" if owner is None or owner.layer is None else owner.layer.value,
                "root": self._root,
            }
        )

    def _patched_popen(self) -> Callable[..., None]:
        """Return a constructor that gives the hook to children with an environment of their own."""
        original, hooked = self._popen, self.hooked

        def __init__(  # noqa: N807 - it takes that place
            popen: subprocess.Popen[bytes], args: object, *more: object, **options: object
        ) -> None:
            options.update(zip(_POPEN_NAMES, more, strict=False))
            environ = options.get("env")
            if environ is None:
                environ = os.environ
            if isinstance(environ, Mapping) and all(isinstance(name, str) for name in environ):
                options["env"] = hooked(cast("Mapping[str, str]", environ))
            original(popen, args, *more[len(_POPEN_NAMES) :], **options)  # type: ignore[call-overload]

        return __init__


def _facts_of(run: RunFacts) -> dict[str, str]:
    target = run.target
    facts = {"host": target.host, "kind": target.kind.value, "proof_header": target.proof_header}
    facts["proxy"] = target.proxy or ""
    for name, file in (("contract", target.contract), ("waivers", target.waivers)):
        facts[name] = "" if file is None else str(file)
    facts["relies_on"] = msgspec.json.encode(target.relies_on).decode()
    return {**facts, "run": str(run.path), "pid": str(os.getpid())}


def _notice(event: str, arguments: tuple[object, ...]) -> None:
    if event in _STARTS and _Process.children is not None:
        try:
            _Process.children.note_start(event, arguments)
        except Exception:  # noqa: BLE001 - our fault is never the application's error
            return


def _follow() -> None:
    if _Process.children is not None:
        _Process.children.follow()


def _program_of(event: str, arguments: tuple[object, ...]) -> tuple[str, list[str]]:
    program, words = _STARTS[event]
    if program is None or words is None:
        return "sh", []
    raw = arguments[words]
    found = [os.fsdecode(word) for word in raw] if isinstance(raw, (list, tuple)) else []
    name = arguments[program] or (found[0] if found else "?")
    return os.fsdecode(cast("str", name)), found


def _runs_hook(program: str, words: list[str]) -> bool:
    """Whether a program is a Python that looks at its environment when it starts."""
    is_python = program == sys.executable or _PYTHON.search(program) is not None
    options: list[str] = []
    for word in words[1:]:
        if not word.startswith("-") or word in ("-c", "-m", "-"):
            break
        options.append(word)
    return is_python and not any(_WITHOUT_HOOK.match(option) for option in options)
