"""`dimo VERB ...`: finds the verb's module, runs it, and turns every failure into one sentence and an exit code.

0 done; 1 a fault of dimo itself, or `doctor` found something missing; 2 bad input; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn

from dimo import __version__
from dimo.cli import hints
from dimo.errors import DimoError, RequestError

VERBS = {
    "generate": "generate",
    "caption": "caption",
    "correct": "correct",
    "search": "search",
    "rank": "rank",
    "edit": "edit",
    "inbetween": "inbetween",
    "compose": "compose",
    "sample": "sample",
    "batch": "batch",
    "convert": "convert",
    "show": "show",
    "draw": "show",
    "prepare": "prepare",
    "train": "train",
    "evaluate": "evaluate",
    "ablate": "ablate",
    "compare": "compare",
    "study": "study",
    "serve": "serve",
    "mcp": "mcp",
    "doctor": "doctor",
    "setup": "setup",
}
"""Verb to its module in this folder, which has add_parser(subparsers) and run(args) -> exit code."""

EXTRAS = {
    "imageio_ffmpeg": "render",
    "pyarrow": "train",
    "rich": "train",
    "fastapi": "serve",
    "uvicorn": "serve",
    "mcp": "mcp",
    "ray": "scale",
    "tensorboard": "tensorboard",
}
"""Module of an optional dependency to the extra of pyproject.toml that brings it."""

OBJECTS = 100_000
"""New objects after which Python looks for garbage. By its own 700 it does so some hundred times while torch is imported, finds
nothing, and makes `dimo generate` half a second later."""


class Parser(argparse.ArgumentParser):
    """argparse that raises its complaint as a RequestError, and knows --debug in every verb."""

    verbs: Mapping[str, argparse.ArgumentParser] = {}

    def __init__(self, **options):
        super().__init__(**{**options, "allow_abbrev": False})
        # SUPPRESS, so that a verb's parser does not undo a --debug that stood before the verb.
        self.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{hints.of_choice(message)} (see {self.prog} --help)")


def build_parser(argv: Sequence[str] = ()) -> Parser:
    """The parser for argv. Only the module of the verb in it is imported; all of them when there is none."""
    parser = Parser(prog="dimo", description="Words to human motion and back.")
    parser.add_argument("--version", action="version", version=f"dimo {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, title="verbs")
    verb = next((word for word in argv if not word.startswith("-")), None)
    wanted = [VERBS[verb]] if verb in VERBS else dict.fromkeys(VERBS.values())
    for module in wanted:
        import_module(f"dimo.cli.{module}").add_parser(verbs)
    parser.verbs = verbs.choices
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (sys.argv without the program by default) and return its exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    debug = "--debug" in argv
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _fail("stopped", 130, debug)
    except BrokenPipeError:
        # The reader of our output has gone (`dimo ... | head`). Nothing is wrong; keep Python from flushing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except DimoError as error:
        return _fail(str(error), 2, debug)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            return _internal(error, debug)
        advice = f"this needs the package {package}: pip install 'dimo[{EXTRAS[package]}]'"
        return _fail(advice, 2, debug)
    except OSError as error:  # no space, no permission: the world's fault, not ours
        place = f"{error.filename}: " if error.filename is not None else ""
        return _fail(place + (error.strerror or str(error)).lower(), 2, debug)
    except Exception as error:
        if _out_of_memory(error):
            advice = (
                "shorten the motion, make fewer samples, set a smaller batch in the recipe, or take another --device"
            )
            return _fail(f"the memory does not suffice; {advice}", 2, debug)
        return _internal(error, debug)


def _run(argv: Sequence[str]) -> int:
    try:
        parser = build_parser(argv)
        args, extra = parser.parse_known_args(argv)
        if extra:
            verb = parser.verbs[args.verb]
            raise RequestError(f"{hints.of_extra(extra, args, verb)} (see {verb.prog} --help)")
    except SystemExit as done:  # --help and --version have printed and want to leave
        return int(done.code or 0)
    return import_module(f"dimo.cli.{VERBS[args.verb]}").run(args)


def _out_of_memory(error: Exception) -> bool:
    """Of Python, of a GPU (torch.OutOfMemoryError) or of torch on the CPU, whose error has no class of its own."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
    )


def _internal(error: Exception, debug: bool) -> int:
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _fail(f"internal error ({what}); this is a fault of dimo, rerun with --debug to see where", 1, debug)


def _fail(sentence: str, code: int, debug: bool) -> int:
    """Print one line on stderr, after the traceback of the error in flight when debug is set."""
    if debug:
        traceback.print_exc()
    print(f"dimo: error: {' '.join(sentence.split())}", file=sys.stderr)
    return code


def entry() -> NoReturn:
    """The console script."""
    gc.set_threshold(OBJECTS)
    sys.exit(main())
