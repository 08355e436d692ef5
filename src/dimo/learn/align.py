"""Alignment: GRPO with the model's own captioning branch as the reward (DiMo, arXiv 2602.04188); what `dimo train align` runs.

For each sentence a group of motions is sampled from the policy; a frozen copy says how well it reads the sentence off each; what
is better than the rest of its group becomes likelier (policy_gradient.py). Supervised steps in between keep captions and
completion alive, and judges that are no part of the reward end the run when they fall while the reward rises.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import torch
from safetensors.torch import load_file, save_file

from dimo.api import DiMo
from dimo.errors import RequestError
from dimo.evaluators.find import find_all
from dimo.evaluators.ours import ContrastiveEvaluator
from dimo.formats.files import write_atomically
from dimo.inpaint.pipeline import Pipeline
from dimo.learn import corpus, loop, parallel, provenance, recipe
from dimo.learn.batches import ModelData
from dimo.learn.folders import chosen
from dimo.learn.judges import Judges, JudgesOptions, held_out, read_prompts
from dimo.learn.mix import ModelLoss
from dimo.learn.policy_gradient import AlignLoss, Alignment
from dimo.learn.recipe import DataOptions
from dimo.learn.reward import RewardOptions
from dimo.learn.rollout import prompts
from dimo.learn.train import Settings
from dimo.text.confusions import confusion_ids

BEST = "best.safetensors"


@dataclass(frozen=True)
class AlignRecipe:
    """Everything that alignment needs to know."""

    part: ClassVar[str] = "align"
    align: AlignLoss = field(default_factory=AlignLoss)
    reward: RewardOptions = field(default_factory=RewardOptions)
    judges: JudgesOptions = field(default_factory=JudgesOptions)
    loss: ModelLoss = field(default_factory=lambda: ModelLoss(batch=16))  # of the supervised steps in between
    loop: loop.LoopOptions = field(
        default_factory=lambda: loop.LoopOptions(steps=200, learning_rate=2e-5, warmup=10, ema=0.95, validate_every=25)
    )
    data: DataOptions = field(default_factory=DataOptions)


def train_align(settings: Settings, start: Path, judged: Sequence[Path] = ()) -> int:
    """Align the model of the weights folder `start`; writes a whole weights folder to settings.out. Returns the steps done.

    judged: files of prompts with checks; none of their sentences is learnt from. The weights that the judges liked best are
    kept, those of `start` among them: a run that makes nothing better gives them back.
    """
    if parallel.world()[1] > 1:
        raise RequestError("groups are sampled and judged by one process; align the model without torchrun")
    plan = recipe.opened(settings.recipe, AlignRecipe, settings.changes)
    folders = chosen(settings.data, plan.data.folders)
    options = loop.plain(plan.loop, settings.steps)
    model = DiMo.from_pretrained(start, precision="fp32", device=settings.device)
    pipeline, config = model.pipeline, model.model.config
    clips = corpus.clips(folders, "train", plan.data)
    held = held_out(corpus.clips(folders, "val", DataOptions(sources=plan.data.sources)), plan.judges.clips)
    rows = [row for path in judged for row in read_prompts(path)]
    codes = corpus.code_clips(model.codec, clips, config.max_steps, settings.out / "codes-train.safetensors")
    examples = corpus.examples(clips, codes, pipeline.wordpiece, config.max_text, plan.data)
    data = ModelData(examples, confusion_ids(pipeline.wordpiece.vocabulary))
    asked, shares = prompts(
        clips,
        pipeline.wordpiece,
        config.max_steps,
        model.codec.config.stride,
        config.max_text,
        [r["text"] for r in rows],
    )
    torch.manual_seed(options.seed)
    policy = model.model
    policy.trunk.words.weight.requires_grad_(plan.data.train_words)
    work = Alignment(
        policy,
        model.codec,
        asked,
        shares,
        data,
        plan.align,
        plan.reward,
        plan.loss,
        seed=options.seed,
        folder=settings.out,
    )
    place = model.pipeline.device
    evaluators = [e.to(place) for e in find_all(model=start) if isinstance(e, ContrastiveEvaluator)]
    judges = Judges(rows, held, evaluators[0] if evaluators else None, plan.judges)
    watch = Watch(pipeline, judges, settings.out, settings.quiet)
    watch.begin(settings.resume)
    done = loop.run(
        policy,
        work.loss,
        options,
        settings.out,
        validate=watch,
        resume=settings.resume,
        time_limit=settings.time_limit,
        quiet=settings.quiet,
    )
    best = settings.out / BEST
    if best.is_file():
        policy.load_state_dict(load_file(best))
    made = provenance.of_alignment(model.config, settings.recipe, done, asdict(replace(plan, loop=options)))
    model.save_pretrained(settings.out, provenance=made)
    return done


class Watch:
    """The validation of loop.run: asks the judges, keeps the best weights, and stops the run when a judge falls."""

    def __init__(self, pipeline: Pipeline, judges: Judges, folder: Path, quiet: bool):
        self.pipeline, self.judges, self.folder, self.quiet = pipeline, judges, folder, quiet
        self.best = -torch.inf

    def begin(self, resume: bool) -> None:
        """Measure the weights that alignment begins with."""
        if not resume:
            (self.folder / BEST).unlink(missing_ok=True)
        before = self.judges.measure(self.pipeline)
        self.best = self.judges.worth(before)
        if not self.quiet:
            print("before: " + "  ".join(f"{k} {v:.4f}" for k, v in before.items()), file=sys.stderr)

    def __call__(self) -> dict[str, float]:
        now = self.judges.measure(self.pipeline)
        if self.judges.worth(now) >= self.best:
            self.best = self.judges.worth(now)
            with write_atomically(self.folder / BEST) as temporary:
                save_file({k: v.contiguous() for k, v in self.pipeline.model.state_dict().items()}, temporary)
        if reason := self.judges.fallen(now):
            raise loop.Stop(reason, now)
        return now
