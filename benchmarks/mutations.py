"""Do the tests notice when the objective is broken? Writes benchmarks/mutations.json, and of it the table in docs/objective.md.

    python benchmarks/mutations.py [--only WORD] [--out benchmarks/mutations.json]

Each mutation is an edit of the package's source, made in a temporary copy; then tests/learn runs against the copy until the
first failure, beginning with the test that caught the mutation in an earlier result. Every mutation should be caught, and the
copy without any should pass. A quarter of an hour on one core without an earlier result, some minutes with one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

os.environ |= {
    "OMP_NUM_THREADS": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}  # no plugin is needed, and they load slowly

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "dimo"
FIRST = ("test_objective.py", "test_batches.py", "test_loop.py", "test_start.py", "test_parallel.py")
"""Tests of the objective, in the order in which they find something fastest; the others of tests/learn follow."""

MODEL, TASKS, MIX, CORRUPT, BATCHES, CORRECTION = (
    "learn/model.py",
    "learn/tasks.py",
    "learn/mix.py",
    "diffusion/corrupt.py",
    "learn/batches.py",
    "learn/self_correction.py",
)
# What breaks, file, text that stands there once, what replaces it. As many numbers are drawn as before: else a test of shares may
# fail by other draws alone.
MUTATIONS: tuple[tuple[str, str, str, str], ...] = (
    ("base targets are zeros", MODEL, "target = clean.codes[..., 0][places]", "target = clean.codes[..., 0][places] * 0"),
    ("residual targets are zeros", MODEL, ".squeeze(2)[places]", ".squeeze(2)[places] * 0"),
    ("residual targets are those of the base", MODEL, ".expand(-1, clean.codes.shape[1], 1)", ".expand(-1, clean.codes.shape[1], 1) * 0"),
    ("every stack is supervised", MODEL, "shown.clean, shown.masked, shown.stacks", "shown.clean, shown.masked, shown.clean.motion_slots"),
    ("the level that a stack ends with is not learnt", MODEL, "masked.known_levels <= level[:, None]", "masked.known_levels < level[:, None]"),
    ("levels below are not shown", MODEL, "model.code_logits(hidden.motion, clean.codes,", "model.code_logits(hidden.motion, clean.codes * 0,"),
    ("residual levels are drawn all alike", TASKS, "edges = (1 / np.arange(1, levels)).cumsum()", "edges = np.arange(1.0, levels)"),
    ("whole levels show the level itself", CORRUPT, "< 0.5), 1, level)[:, None]", "< 0.5), 1, level + 1)[:, None]"),
    ("whole levels always show the base alone", CORRUPT, "generator.random(len(tokens)) < 0.5", "generator.random(len(tokens)) < 2"),
    ("no sequence shows base codes alone", TASKS, "base_only=options.base_only", "base_only=0.0"),
    ("whole levels have no condition dropout", TASKS, "show_below(known, level", "show_below(clean, level"),
    ("no condition dropout", TASKS, "generator.random(len(clean)) < options.condition_dropout", "generator.random(len(clean)) < 0"),
    ("motion to motion sees the text", TASKS, "without = generator.permutation(len(clean)) < blind", "without = generator.permutation(len(clean)) < 0"),
    ("[PAD] weighs as much as a word", MODEL, "torch.where(target == PAD, options.pad_weight, 1.0)", "torch.ones(target.shape)"),
    ("[PAD] lowers the sum and not the mean", MODEL, "/ weight.sum().clamp_min(1e-6)", "/ len(weight)"),
    ("the motion's schedule is fixed", TASKS, "schedule=options.motion_schedule", 'schedule="cosine"'),
    ("the text's schedule is fixed", TASKS, "schedule=options.text_schedule", 'schedule="linear"'),
    ("the cosine is another one", "diffusion/schedule.py", "return math.cos(math.pi * time / 2)", "return math.cos(math.pi * time / 2) ** 1.5"),
    ("half of the masks", CORRUPT, "np.round(ratios * real.sum(1))", "np.round(0.5 * ratios * real.sum(1))"),
    ("masks are counted over the padded length", CORRUPT, "np.round(ratios * real.sum(1))", "np.round(ratios * real.shape[1])"),
    ("wrong words are not supervised", CORRUPT, "learnt | torch.from_numpy(false)", "learnt"),
    ("beginnings learn all that is hidden", CORRUPT, "torch.where(begun, places == at, learnt)", "hidden"),
    ("beginnings show what comes later", CORRUPT, "(places >= at) & tokens", "(places == at) & tokens"),
    ("no beginnings", TASKS, "beginnings=beginnings", "beginnings=0.0"),
    ("no wrong words", TASKS, "wrong=options.wrong_words", "wrong=0.0"),
    ("wrong stacks are not supervised", CORRUPT, "codes=values), hidden | false", "codes=values), hidden"),
    ("no wrong stacks", TASKS, "wrong=options.wrong,", "wrong=0.0,"),
    ("no half-known stacks", TASKS, "partial=options.partial", "partial=0.0"),
    ("no spans", TASKS, "spans=options.spans,", "spans=0.0,"),
    ("whole levels have no spans", TASKS, "spans=options.spans)", "spans=0.0)"),
    ("pre-training shows all words", TASKS, "    masked, words = _mask_text(masked,", "    _, words = _mask_text(masked,"),
    ("pre-training shows all motion", TASKS, "masked, places = _mask_motion(clean, config, replace(options, spans=0.0), generator)",
     "masked, places = clean, _mask_motion(clean, config, replace(options, spans=0.0), generator)[1]"),
    ("pre-training forgets the words", MODEL, '        terms |= {"text": _text_loss(model, hidden, shown, options)}\n', ""),
    ("pre-training lasts a step longer", TASKS, "step < options.language_steps + options.pretrain_steps", "step <= options.language_steps + options.pretrain_steps"),
    ("self-correction sees plain masks", MODEL, "model(self_correction.play(model, shown.masked, self_correction.MOTION, generator))", "model(shown.masked)"),
    ("self-correction learns what it saw", MODEL, "own = _motion_losses(model, hidden, shown,", "own = _motion_losses(model, hidden, replace(shown, clean=shown.masked),"),
    ("self-correction of words sees plain masks", MODEL, "        ids[seen], known[seen] = played.ids, played.known_text\n", ""),
    ("self-correction fills all places at once", CORRECTION, "steps = int(generator.integers(1, MOST_STEPS + 1))", "steps = 1"),
    ("self-correction plays with dropout", CORRECTION, "    model.eval()\n", ""),
    ("lengths are off by one", MODEL, "asked.motion_slots.sum(1) - 1", "asked.motion_slots.sum(1)"),
    ("lengths are read off a masked text", TASKS, "asked = clean.take(some)", "asked = known.take(some)"),
    ("no motion dropout", TASKS, "generator.random(len(clean)) < options.motion_dropout", "generator.random(len(clean)) < 0"),
    ("written captions are not preferred", TASKS, "told = data.written if options.written and", "told = data if options.written and"),
    ("steps are all of one kind", MIX, "        at -= share\n", ""),
    ("small tasks are rounded away", MIX, "edges + generator.random()", "edges + 0.5"),
    ("the depth weight is ignored", MIX, '"depth": self.depth_weight', '"depth": 1.0'),
    ("measuring smooths labels", "learn/validation.py", "pretrain_steps=0, label_smoothing=0.0", "pretrain_steps=0"),
    ("the middle lengths are preferred", BATCHES, "divmod(turn * STRIDE % CELLS, PARTS)", "divmod(3 + turn * STRIDE % (CELLS - 6), PARTS)"),
    ("weights are ignored", BATCHES, 'np.searchsorted(self._edges, generator.random(count) * self._edges[-1], side="right")', "generator.integers(len(self.lengths), size=count)"),
    ("the first caption is always drawn", BATCHES, "(generator.random(count) * self._captions[at])", "(0 * generator.random(count) * self._captions[at])"),
    ("rows are sorted by length", BATCHES, "generator.permutation(order[part * size", "0 * generator.permutation(size) + np.asarray(order[part * size"),
    ("an unknown text keeps its places", "model/masked.py", "            places = places & ~tokens.wordless()\n", "            pass\n"),
    ("[SEP] tells the longest text of the batch", "model/masked.py", "places.sum(1, keepdim=True) + 1, at)", "text + 1, at)"),
    ("dropped text is open to be written", "sequence/tokens.py", "known_text=self.known_text | gone", "known_text=self.known_text & ~gone"),
    ("missing terms count as zeros", "learn/loop.py", "here.isfinite().sum(0)", "torch.full((here.shape[1],), len(here))"),
    ("the masked-word head is not taken over", "learn/start.py", "model.load_state_dict(self.bert.head, strict=False)", "pass"),
    ("word vectors always learn", "learn/train.py", "if plan.data.start_weights and not plan.data.train_words:", "if False:"),
)  # fmt: skip


def mutate(source: Path, file: str, old: str, new: str) -> None:
    """Change a file of a copied package; ValueError where the text does not stand there exactly once."""
    path = source / file
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise ValueError(f"{file}: {old!r} stands there {text.count(old)} times; the mutation has to be adapted")
    path.write_text(text.replace(old, new), encoding="utf-8")


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the package, but for the weights."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "src" / "dimo"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("weights"))
        (copy / "weights").symlink_to(PACKAGE / "weights")
        yield copy


def run_tests(source: Path, chosen: Sequence[str]) -> tuple[list[str], str]:
    """The first failed one of these tests with the package in source, and the end of the report; no test where all pass.

    In a fork of this process, which has the libraries in memory and nothing of the package.
    """
    assert "dimo" not in sys.modules
    with tempfile.TemporaryFile("w+") as report:
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            os.dup2(report.fileno(), 1)
            os.dup2(report.fileno(), 2)
            os.chdir(ROOT)
            os.environ["PYTHONPATH"] = str(source.parent)  # for processes that a test starts
            sys.path.insert(0, str(source.parent))
            options = [
                "-x",
                "-q",
                "-p",
                "no:cacheprovider",
                "-W",
                "ignore::UserWarning",
                "-W",
                "ignore::DeprecationWarning",
            ]
            code = 70
            try:
                found = find_spec("dimo")
                if found is None or Path(found.origin or "").parent != source:
                    print(f"the tests would import {found and found.origin} instead of the copy {source}")
                else:
                    code = int(pytest.main([*options, *(str(ROOT / "tests" / "learn" / name) for name in chosen)]))
            finally:
                sys.stdout.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        report.seek(0)
        text = report.read()
    if code == pytest.ExitCode.USAGE_ERROR:  # a test that an earlier result names, and that is no longer there
        return [], text
    failed = re.findall(r"^FAILED (\S+)", text, re.M)
    if bool(failed) != (code != 0):  # not a failed test but a mutation that is no Python
        raise RuntimeError(text[-2000:])
    return failed, text[-600:]


def tests(first: str | None) -> list[list[str]]:
    """What is run one after the other until something fails: a test that caught the same before, then all of tests/learn."""
    later = sorted(p.name for p in (ROOT / "tests" / "learn").glob("test_*.py") if p.name not in FIRST)
    return [*([[first]] if first else []), [*FIRST, *later]]


def read(path: Path) -> dict[str, dict]:
    """Rows of an earlier result by their mutation."""
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    return {row["mutation"]: row for row in rows}


def write(path: Path, found: dict[str, dict]) -> None:
    """What is known so far, in the order of the list; an interrupted run loses nothing of it."""
    rows = [found[name] for name, *_ in MUTATIONS if name in found]
    caught = sum(row["caught_by"] is not None for row in rows)
    facts = {"mutations": len(MUTATIONS), "run": len(rows), "caught": caught, "rows": rows}
    path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def write_page(facts: dict) -> None:
    """The table of docs/objective.md."""
    from dimo.evaluate.tables import put

    head = "| what is broken | in | a test that notices |\n| --- | --- | --- |"
    rows = [
        f"| {row['mutation']} | `{row['file']}` | "
        + (f"`{row['caught_by'].partition('[')[0]}`" if row["caught_by"] else "none")
        + " |"
        for row in facts["rows"]
    ]
    left = f"; {facts['mutations'] - facts['run']} more have not been run" if facts["run"] < facts["mutations"] else ""
    body = "\n".join([f"{facts['caught']} of {facts['run']} are noticed{left}.", "", head, *rows])
    page = ROOT / "docs" / "objective.md"
    page.write_text(put(page.read_text(encoding="utf-8"), "mutations", body)[0], encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", default="", help="mutations whose name holds this word; of the others an earlier result stays"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--before", type=Path, default=Path(__file__).with_suffix(".json"), help="an earlier result")
    args = parser.parse_args()
    known = {name: row["caught_by"] for name, row in read(args.before).items()}
    found = read(args.out) if args.only else {}
    # Each fork would take seconds for them.
    for module in ("safetensors.torch", "tokenizers", "torch._dynamo", "torch.utils.data", "pyarrow.parquet"):
        import_module(module)
    began = time.monotonic()
    chosen = [m for m in MUTATIONS if args.only in m[0]]
    for name, file, old, new in chosen:
        with copied() as copy:
            mutate(copy, file, old, new)
            failed: list[str] = []
            for some in tests(known.get(name)):
                failed = failed or run_tests(copy, some)[0]
        caught = failed[0].removeprefix("tests/learn/") if failed else None
        print(f"{'caught ' if caught else 'MISSED '} {name}: {caught}", flush=True)
        found[name] = {"mutation": name, "file": file, "caught_by": caught}
        write(args.out, found)
    catchers = sorted({row["caught_by"] for row in found.values() if row["caught_by"]})
    with copied() as copy:  # what caught them must be silent without them
        failed, report = run_tests(copy, catchers) if catchers else ([], "")
    if failed:
        args.out.unlink()
        raise SystemExit(f"the tests fail without any mutation:\n{report}")
    missed = [name for name, row in found.items() if row["caught_by"] is None]
    print(f"{len(found) - len(missed)} of {len(found)} caught in {time.monotonic() - began:.0f} s")
    if args.out == Path(__file__).with_suffix(".json"):
        write_page(json.loads(args.out.read_text(encoding="utf-8")))
    if missed:
        raise SystemExit(f"not caught: {', '.join(missed)}")


if __name__ == "__main__":
    main()
