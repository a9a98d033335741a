"""The door: one module a command. Each parses, calls one function of a lower floor, prints, and ends.

Commands are imported when they are typed, so that ``edgekit --help`` needs click and nothing else.
"""

import errno
import io
import sys
from importlib import import_module

import click

from .._version import __version__
from ..errors import EdgekitError, StorageError
from ..report import printable

# name → what --help says of it; the command object has the module's name
COMMANDS = {
    "inspect": "What is this model, what can be made of it, what is wrong with it.",
    "convert": "Turn a graph into labelled model files that are ready to run.",
    "verify": "Prove that converted models answer as their source does.",
    "detect": "Run a model on pictures, folders, videos or a camera.",
    "metadata": "Show or set the TFLite metadata of a model.",
    "train": "Train a quantisation-aware detector on pictures with true boxes.",
    "dataset": "Make a data set: pictures with true boxes.",
    "doctor": "What is installed, and what each missing extra would give.",
    "demo": "Run the whole way on the bundled sample, offline.",
}
INTERRUPTED = 130
NO_WAY = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)  # which even a look at whether a file is there raises
READER_GONE = 141  # as a shell reports a program that SIGPIPE ended


class LazyGroup(click.Group):
    """A group whose commands live in modules of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f".{cmd_name}", __name__), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgekit")
def edgekit() -> None:
    """Put trained vision models onto phones and web pages, provably right and provably fast."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and exit with its documented code; the only place that catches edgekit's errors."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ shows something else, and the run goes on
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
    except EdgekitError as error:
        _print_error(error.what, error.cause, error.fix)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = INTERRUPTED
    except (BrokenPipeError, SystemExit):  # the reader of a pipe has gone; Rich answers that with SystemExit
        _discard_output()
        code = READER_GONE
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _discard_output()
            failure = StorageError("The output cannot be written.", cause=f"{error.strerror}.", fix="Free some space.")
        elif error.errno in NO_WAY and error.filename:
            cause = f"{error.strerror}."
            failure = StorageError(f"{error.filename} cannot be used.", cause=cause, fix="Choose another path.")
        else:
            raise
        _print_error(failure.what, failure.cause, failure.fix)
        code = failure.exit_code
    sys.exit(code)


def invoke(arguments: list[str]) -> None:
    """Run a command line; the context's object is that line, for commands that put it on record."""
    with edgekit.make_context("edgekit", [*arguments], obj=("edgekit", *arguments)) as context:
        edgekit.invoke(context)


def _run(arguments: list[str]) -> int:
    # Not click's own main: it ends a broken pipe with exit code 1, which means a bug here.
    try:
        invoke(arguments)
    except click.exceptions.Exit as end:
        return end.exit_code
    finally:
        sys.stdout.flush()
    return 0


def _discard_output() -> None:
    """What could not be written must not be tried again when the interpreter ends."""
    sys.stdout = io.TextIOWrapper(io.BytesIO())


def _print_error(what: str, cause: str, fix: str) -> None:
    click.secho(printable(f"Error: {what}"), err=True, fg="red")
    for line in (cause, fix):
        if line:
            click.echo(printable(f"  {line}"), err=True)
