"""The process of one shard: `python -m l9gate.sources.load.worker`; see `wording` for its lines."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from l9gate.errors import ExitCode, L9gateError
from l9gate.measure.clock import SystemClock
from l9gate.net.loops import find_loop_factory
from l9gate.sources.load.shard import Tell, carry_out
from l9gate.sources.load.wording import STOP, Failed, Said, decode_task, encode_line
from l9gate.store.account import Account
from l9gate.store.run import open_run

KEY = "ANTHROPIC_API_KEY"
MAX_LINE_BYTES = 1 << 20


class Line:
    """The line from the process that started this one; when it closes, the shard is cancelled."""

    def __init__(self, reader: asyncio.StreamReader, tell: Tell) -> None:
        self._reader = reader
        self.tell = tell
        self._starts: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.wants_stop = False

    async def listen(self, task: "asyncio.Task[object]") -> None:
        """Take orders until the line closes, then cancel a task."""
        async for line in self._reader:
            word = line.strip()
            if word == STOP:
                self.wants_stop = True
            elif not self._starts.done():
                self._starts.set_result(float(word))
        task.cancel()

    async def wait_for_start(self) -> float:
        """Return when offset 0 is due, once that is known."""
        return await self._starts


async def serve(tell: Tell, environ: Mapping[str, str]) -> ExitCode:
    """Take a task from standard input and carry it out."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    task = decode_task(await reader.readline())
    line = Line(reader, tell)
    me = asyncio.current_task()
    assert me is not None  # noqa: S101  # inside asyncio.run
    listener = asyncio.create_task(line.listen(me))
    try:
        account = Account.of_environ(environ, SystemClock())
        with closing(open_run(Path(task.run)).writer(f"load-{task.share.shard}")) as sink:
            await carry_out(task, environ.get(KEY, ""), (sink, account), line)
    except L9gateError as error:
        tell(Failed.of(error))
        return error.exit_code
    except asyncio.CancelledError:
        return ExitCode.INTERRUPTED
    finally:
        listener.cancel()
    return ExitCode.READY


def main() -> None:
    """Be the process of one shard."""
    out = sys.stdout.buffer

    def tell(message: Said) -> None:
        try:
            out.write(encode_line(message))
            out.flush()
        except BrokenPipeError:
            return  # nobody listens any more; the line from there closes as well

    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        sys.exit(runner.run(serve(tell, os.environ)))


if __name__ == "__main__":
    main()
