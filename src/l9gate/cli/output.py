"""How a judgement is shown and filed."""

import os
import shutil
import sys

import click

from l9gate.gate import Judgement
from l9gate.report.document import render_json
from l9gate.report.hdr import render_hdr
from l9gate.report.junit import render_junit
from l9gate.report.page import render_page
from l9gate.report.places import render_sarif
from l9gate.report.text import render_text
from l9gate.store.run import open_run

PIPE_WIDTH = 120
FILES = ("report.txt", "report.html", "report.json", "junit.xml")


def show_judgement(judgement: Judgement, format_name: str) -> None:
    """Print the report to stdout: `text`, `json`, `html`, `junit`, `sarif` or `hdr`."""
    if sys.stdout is None:
        return  # whoever closed it wants the exit code alone
    if format_name == "json":
        sys.stdout.buffer.write(render_json(judgement.document))
    elif format_name == "html":
        sys.stdout.buffer.write(render_page(judgement.document, judgement.log))
    elif format_name == "junit":
        sys.stdout.buffer.write(render_junit(judgement.document, judgement.log))
    elif format_name == "hdr":
        click.echo(render_hdr(judgement.log, judgement.document.scope), nl=False)
    elif format_name == "sarif":
        text, notes = render_sarif(judgement.document, judgement.log, judgement.why)
        click.echo(text, nl=False)
        for note in notes:
            click.echo(note, err=True)
    else:
        width, has_colour = _terminal()
        files = [str(run / name) for run in judgement.runs for name in FILES]
        existing = [name for name in files if os.path.exists(name)]  # noqa: PTH110  # plain strings
        click.echo(render_text(judgement.document, width, has_colour, existing), nl=False)


def file_reports(judgement: Judgement) -> None:
    """Write the report in every format beside the evidence of a single run.

    Raises:
        WriteError: the folder cannot be written.
    """
    (path,) = judgement.runs
    folder = open_run(path)
    text = render_text(judgement.document, PIPE_WIDTH, color=False, files=FILES)
    folder.write("report.txt", text.encode())
    folder.write("report.html", render_page(judgement.document, judgement.log))
    folder.write("report.json", render_json(judgement.document))
    folder.write("junit.xml", render_junit(judgement.document, judgement.log))


def _terminal() -> tuple[int, bool]:
    if not sys.stdout.isatty():
        return PIPE_WIDTH, False
    return shutil.get_terminal_size().columns, not os.environ.get("NO_COLOR")
