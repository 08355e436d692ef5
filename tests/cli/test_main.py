"""The frame of the command line: exit codes, one sentence per failure, --debug."""

import errno
import os
import subprocess
import sys

import pytest

from dimo.cli import doctor
from dimo.cli.main import main
from dimo.errors import FormatError, RequestError


def failing(error: BaseException):
    def run(_args):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (RequestError("too long"), 2, "dimo: error: too long"),
        (FormatError("no MOTION", path="a.bvh", line=3), 2, "dimo: error: a.bvh, line 3: no MOTION"),
        (RequestError("two\nlines\n  here"), 2, "dimo: error: two lines here"),
        (KeyboardInterrupt(), 130, "dimo: error: stopped"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out.glb"),
            2,
            "dimo: error: out.glb: no space left on device",
        ),
        (
            ModuleNotFoundError("No module named 'pyarrow.parquet'", name="pyarrow.parquet"),
            2,
            "dimo: error: this needs the package pyarrow: pip install 'dimo[train]'",
        ),
        (
            ModuleNotFoundError("No module named 'imageio_ffmpeg'", name="imageio_ffmpeg"),
            2,
            "dimo: error: this needs the package imageio_ffmpeg: pip install 'dimo[render]'",
        ),
        (
            ZeroDivisionError("division by zero"),
            1,
            "dimo: error: internal error (ZeroDivisionError: division by zero); this is a fault of dimo, "
            "rerun with --debug to see where",
        ),
        (
            ModuleNotFoundError("No module named 'dimo.nothing'", name="dimo.nothing"),
            1,
            "dimo: error: internal error (ModuleNotFoundError: No module named 'dimo.nothing'); this is a fault of "
            "dimo, rerun with --debug to see where",
        ),
        (
            AssertionError(),
            1,
            "dimo: error: internal error (AssertionError); this is a fault of dimo, rerun with --debug to see where",
        ),
    ],
)
def test_each_failure_is_one_sentence_and_a_code(error, code, line, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "run", failing(error))
    assert main(["doctor"]) == code
    assert capsys.readouterr().err == line + "\n"


@pytest.mark.parametrize("argv", [["doctor", "--debug"], ["--debug", "doctor"]])
def test_debug_shows_the_traceback_and_keeps_the_code(argv, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "run", failing(RequestError("too long")))
    assert main(argv) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.endswith("dimo: error: too long\n")


def test_the_verbs_code_is_the_exit_code(monkeypatch):
    monkeypatch.setattr(doctor, "run", lambda args: 1)
    assert main(["doctor"]) == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "the following arguments are required: VERB (see dimo --help)"),
        (["dance"], "invalid choice: 'dance'"),
        (["--loud"], "required: VERB"),
        (["doctor", "--loud"], "unrecognized arguments: --loud"),
        (["doctor", "--mod", "x"], "unrecognized arguments: --mod x"),  # no abbreviations: they would become promises
        (["doctor", "--model"], "argument --model: expected one argument (see dimo doctor --help)"),
        (["caption"], "required: FILE (see dimo caption --help)"),
        (["caption", "a.bvh", "--samples", "many"], "argument --samples: invalid int value: 'many'"),
    ],
)
def test_wrong_usage_is_one_sentence_too(argv, words, capsys):
    assert main(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert shown.err.startswith("dimo: error: ")
    assert words in shown.err


def test_console_script_and_module_say_the_version():
    done = subprocess.run(
        [sys.executable, "-c", "from dimo.cli.main import entry; entry()", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("dimo ")


def test_a_reader_that_went_away_is_no_error():
    read_end, write_end = os.pipe()
    os.close(read_end)
    code = "import sys\nfrom dimo.cli.main import entry\nsys.argv = ['dimo', '--version']\nentry()"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}  # unbuffered, argparse swallows the error
    done = subprocess.run([sys.executable, "-c", code], stdout=write_end, stderr=subprocess.PIPE, text=True, env=env)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")
