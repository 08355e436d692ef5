"""Do the tests notice when the objective is broken? Writes benchmarks/mutations.json.

    python benchmarks/mutations.py [--only WORD] [--out benchmarks/mutations.json]

Each mutation is an edit of the package's source, made in a temporary copy; then tests/learn runs against the copy until the
first failure. Every mutation should be caught, and the copy without any should pass. About a quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "dimo"
FIRST = ("test_objective.py", "test_batches.py", "test_loop.py", "test_start.py", "test_parallel.py")
"""Tests of the objective, in the order in which they find something fastest; the others of tests/learn follow."""

MODEL, CORRUPT, BATCHES, CORRECTION = (
    "learn/model.py",
    "diffusion/corrupt.py",
    "learn/batches.py",
    "learn/self_correction.py",
)
MUTATIONS: tuple[tuple[str, str, str, str], ...] = (  # what breaks, file, text that stands there once, what replaces it
    ("base targets are zeros", MODEL, "target = clean.codes[..., 0][places]", "target = clean.codes[..., 0][places] * 0"),
    ("residual targets are zeros", MODEL, ".squeeze(2)[places]", ".squeeze(2)[places] * 0"),
    ("residual targets are those of the base", MODEL, ".expand(-1, clean.codes.shape[1], 1)", ".expand(-1, clean.codes.shape[1], 1) * 0"),
    ("every visible stack is supervised", MODEL, "clean, masked, places, options, generator)\n    hidden = model(self_correction",
     "clean, masked, clean.motion_slots, options, generator)\n    hidden = model(self_correction"),
    ("the level that a stack ends with is not learnt", MODEL, "masked.known_levels <= level[:, None]", "masked.known_levels < level[:, None]"),
    ("levels below are not shown", MODEL, "model.code_logits(hidden.motion, clean.codes,", "model.code_logits(hidden.motion, clean.codes * 0,"),
    ("residual levels are drawn all alike", MODEL, "edges = (1 / np.arange(1, levels)).cumsum()", "edges = np.arange(1.0, levels)"),
    ("whole levels show the level itself", CORRUPT, "< 0.5), 1, level)[:, None]", "< 0.5), 1, level + 1)[:, None]"),
    ("whole levels always show the base alone", CORRUPT, "generator.random(len(tokens)) < 0.5", "generator.random(len(tokens)) < 2"),
    ("no sequence shows base codes alone", MODEL, "base_only=options.base_only", "base_only=0.0"),
    ("whole levels have no condition dropout", MODEL, "show_below(known, level", "show_below(clean, level"),
    ("no condition dropout", MODEL, "    without |= generator.random(len(clean)) < options.condition_dropout\n", ""),
    ("motion to motion sees the text", MODEL, "without = generator.permutation(len(clean)) < blind", "without = generator.permutation(len(clean)) < 0"),
    ("[PAD] weighs as much as a word", MODEL, "torch.where(target == PAD, options.pad_weight, 1.0)", "torch.ones(target.shape)"),
    ("[PAD] lowers the sum and not the mean", MODEL, "/ weight.sum().clamp_min(1e-6)", "/ len(weight)"),
    ("the motion's schedule is fixed", MODEL, "schedule=options.motion_schedule", 'schedule="cosine"'),
    ("the text's schedule is fixed", MODEL, "schedule=options.text_schedule", 'schedule="linear"'),
    ("the cosine is another one", "diffusion/schedule.py", "return math.cos(math.pi * time / 2)", "return math.cos(math.pi * time / 2) ** 1.5"),
    ("half of the masks", CORRUPT, "np.round(ratios * real.sum(1))", "np.round(0.5 * ratios * real.sum(1))"),
    ("masks are counted over the padded length", CORRUPT, "np.round(ratios * real.sum(1))", "np.round(ratios * real.shape[1])"),
    ("wrong words are not supervised", CORRUPT, "hidden | torch.from_numpy(false)", "hidden"),
    ("no wrong words", MODEL, "wrong=options.wrong_words", "wrong=0.0"),
    ("wrong stacks are not supervised", CORRUPT, "codes=values), hidden | false", "codes=values), hidden"),
    ("no wrong stacks", MODEL, "wrong=options.wrong,", "wrong=0.0,"),
    ("no half-known stacks", MODEL, "partial=options.partial", "partial=0.0"),
    ("no spans", MODEL, "spans=options.spans,", "spans=0.0,"),
    ("whole levels have no spans", MODEL, "spans=options.spans)", "spans=0.0)"),
    ("pre-training shows all words", MODEL, "    masked, words = _mask_text(masked,", "    _, words = _mask_text(masked,"),
    ("pre-training shows all motion", MODEL, "masked, places = _mask_motion(clean, model, replace", "_, places = _mask_motion(clean, model, replace"),
    ("pre-training forgets the words", MODEL, 'motion | {"text": _text_loss(model, hidden, clean, words, options)}', "motion"),
    ("pre-training lasts a step longer", MODEL, "step < options.language_steps + options.pretrain_steps", "step <= options.language_steps + options.pretrain_steps"),
    ("self-correction sees plain masks", MODEL, "model(self_correction.play(model, masked, self_correction.MOTION, generator))", "model(masked)"),
    ("self-correction learns what it saw", MODEL, "own = _motion_losses(model, hidden, clean,", "own = _motion_losses(model, hidden, masked,"),
    ("self-correction of words sees plain masks", MODEL, "        ids[seen], known[seen] = played.ids, played.known_text\n", ""),
    ("self-correction fills all places at once", CORRECTION, "steps = int(generator.integers(1, MOST_STEPS + 1))", "steps = 1"),
    ("self-correction plays with dropout", CORRECTION, "    model.eval()\n", ""),
    ("lengths are off by one", MODEL, "asked.motion_slots.sum(1) - 1", "asked.motion_slots.sum(1)"),
    ("lengths are read off a masked text", MODEL, "asked = clean.take(some)", "asked = known.take(some)"),
    ("no motion dropout", MODEL, "generator.random(len(clean)) < options.motion_dropout", "generator.random(len(clean)) < 0"),
    ("written captions are not preferred", MODEL, "told = data.written if options.written and", "told = data if options.written and"),
    ("steps are all of one kind", MODEL, "        at -= share\n", ""),
    ("small tasks are rounded away", MODEL, "edges + generator.random()", "edges + 0.5"),
    ("the depth weight is ignored", MODEL, '"depth": self.depth_weight', '"depth": 1.0'),
    ("measuring smooths labels", "learn/validation.py", "pretrain_steps=0, label_smoothing=0.0", "pretrain_steps=0"),
    ("the middle lengths are preferred", BATCHES, "divmod(turn * STRIDE % CELLS, PARTS)", "divmod(3 + turn * STRIDE % (CELLS - 6), PARTS)"),
    ("weights are ignored", BATCHES, 'np.searchsorted(self._edges, generator.random(count) * self._edges[-1], side="right")', "generator.integers(len(self.lengths), size=count)"),
    ("the first caption is always drawn", BATCHES, "(generator.random(count) * self._captions[at])", "(0 * self._captions[at])"),
    ("rows are sorted by length", BATCHES, "generator.permutation(order[part * size", "np.asarray(order[part * size"),
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


def run_tests(source: Path) -> tuple[list[str], str]:
    """The first failed test of tests/learn with the package in source, and the end of the report; no test where all pass."""
    folder = ROOT / "tests" / "learn"
    later = sorted(p.name for p in folder.glob("test_*.py") if p.name not in FIRST)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::UserWarning"]
    found = subprocess.run(
        [*command, *(str(folder / name) for name in (*FIRST, *later))],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(source.parent), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^FAILED (\S+)", found.stdout, re.M)
    if bool(failed) != (found.returncode != 0):  # not a failed test but a mutation that is no Python
        raise RuntimeError(found.stdout[-2000:] + found.stderr[-2000:])
    return failed, found.stdout[-600:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="mutations whose name holds this word")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    rows, began = [], time.monotonic()
    nothing = ("nothing", "", "", "")
    chosen = [m for m in MUTATIONS if args.only in m[0]]
    for name, file, old, new in (nothing, *chosen):
        with tempfile.TemporaryDirectory() as place:
            copy = Path(place) / "src" / "dimo"
            shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("weights", "__pycache__"))
            (copy / "weights").symlink_to(PACKAGE / "weights")
            if file:
                mutate(copy, file, old, new)
            failed, report = run_tests(copy)
        if not file:
            if failed:
                raise SystemExit(f"the tests fail without any mutation:\n{report}")
            continue
        caught = failed[0].removeprefix("tests/learn/") if failed else None
        print(f"{'caught ' if caught else 'MISSED '} {name}: {caught}", flush=True)
        rows.append({"mutation": name, "file": file, "caught_by": caught})
    missed = [row["mutation"] for row in rows if row["caught_by"] is None]
    print(f"{len(rows) - len(missed)} of {len(rows)} caught in {time.monotonic() - began:.0f} s")
    if not args.only:
        facts = {"mutations": len(rows), "caught": len(rows) - len(missed), "rows": rows}
        args.out.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    if missed:
        raise SystemExit(f"not caught: {', '.join(missed)}")


if __name__ == "__main__":
    main()
