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
        (["dance"], "invalid choice: 'dance' (choose from"),
        (["generat", "x"], "invalid choice: 'generat'; did you mean 'generate'? (see dimo --help)"),
        (["captoin"], "did you mean 'caption'?"),
        (["--loud"], "required: VERB"),
        (["doctor", "--loud"], "unrecognized arguments: --loud"),
        # No abbreviations: they would become promises.
        (["doctor", "--mod", "x"], "unrecognized arguments: --mod; did you mean '--model'? (see dimo doctor --help)"),
        (["caption", "a.bvh", "--sampels", "3"], "did you mean '--samples'? (see dimo caption --help)"),
        (
            ["edit", "a.bvh", "--vary", "0.4", "-o", "b.bvh", "--zzz"],
            "unrecognized arguments: --zzz (see dimo edit --help)",
        ),
        (["train", "codek"], "did you mean 'codec'?"),
        (
            ["generate", "a", "person", "walks", "-o", "x.glb"],
            'person walks; a sentence needs quotes: "a person walks" (see',
        ),
        (["correct", "a.bvh", "a", "man", "walks"], '"a man walks"'),
        (["search", "a", "person", "bows", "clips"], '"a person bows"'),
        (["edit", "a.bvh", "--extend", "2", "-o", "b.bvh", "--text", "a", "person", "bows"], '"a person bows"'),
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


def test_help_names_presets_and_defaults(capsys):
    from dimo.api import MEMORY
    from dimo.body.skeleton import preset_names
    from dimo.diffusion.options import STRATEGIES, SampleOptions

    for verb in ("generate", "compose", "sample", "convert"):
        assert main([verb, "--help"]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert all(name in text for name in preset_names()), verb
    assert main(["edit", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for flag, name in (
        ("--steps", "steps"),
        ("--guidance", "guidance"),
        ("--temperature", "temperature"),
        ("--top-k", "top_k"),
        ("--strategy", "strategy"),
        ("--schedule", "schedule"),
        ("--guidance-on", "guidance_on"),
    ):
        value = getattr(SampleOptions(), name)
        said = text.split(f" {flag} ", 1)[1].split("(default: ", 1)[1].split(")", 1)[0]
        assert said == (value if isinstance(value, str) else f"{value:g}"), flag
    assert all(name in text for name in STRATEGIES)
    assert f"(default: {MEMORY:g})" in text.split(" --memory ", 1)[1]


def test_every_flag_with_a_default_says_it():
    import argparse

    from dimo.cli.main import build_parser

    for verb, parser in build_parser().verbs.items():
        if verb in ("evaluate", "compare", "study"):  # their tables of flags stand in docs/evaluate.md
            continue
        for action in parser._actions:
            if action.option_strings and action.default not in (None, False, argparse.SUPPRESS):
                assert "default" in (action.help or ""), (verb, action.option_strings)


def test_a_full_disk_names_the_file(monkeypatch, tmp_path, capsys):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.bvh").write_text(
        "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
        "MOTION\nFrames: 2\nFrame Time: 0.05\n0 0 0\n0 1 0\n"
    )

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    for suffix, place in (
        (".glb", (Path, "write_bytes")),
        (".bvh", (Path, "write_text")),
        (".npz", (None, "savez_compressed")),
    ):
        import numpy as np

        with monkeypatch.context() as patch:
            patch.setattr(place[0] or np, place[1], full)
            assert main(["convert", "a.bvh", f"out{suffix}"]) == 2
        assert capsys.readouterr().err == f"dimo: error: out{suffix}: no space left on device\n"
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", lambda *_, **__: (_ for _ in ()).throw(OSError("44 requested and 12 written")))
        assert main(["convert", "a.bvh", "out.npy"]) == 2
    assert "out.npy: not written whole; is the disk full?" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["a.bvh"]
