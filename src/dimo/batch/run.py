"""A file of prompts to a folder of motions: what `dimo batch` runs. Run again, it goes on where it was ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from dimo.batch.folder import Folder, held
from dimo.batch.make import Made, Maker, Plan, failed
from dimo.batch.prompts import Prompt
from dimo.body.skeleton import Skeleton
from dimo.scale.executor import Executor, Here, Lost


@dataclass(frozen=True)
class Result:
    """What the folder holds: motions of this run, those that were there before, and how many prompts failed."""

    made: int
    before: int
    failed: int


def run(
    prompts: Sequence[Prompt],
    plan: Plan,
    *,
    executor: Executor | None = None,
    size: int = 32,
    tell: Callable[[int], None] = lambda prompts: None,
) -> Result:
    """Make what is missing of the prompts in plan.folder, `size` of them at a time, which are drawn together.

    A motion does not depend on its shard, nor on where it is made. tell(prompts) is called with the number of those that were
    there, and after each shard. RequestError for a folder of other prompts or settings, WeightsError for weights that are
    none; OSError for a disk that is full: what was made until then is in the index.
    """
    with held(plan.folder):
        model = plan.load()  # here first: what is wrong with it is one sentence
        plan = replace(plan, weights=model.fingerprint())
        folder = Folder(plan.folder, prompts, settings(plan))
        missing = folder.missing
        before = len(prompts) - len(missing)
        tell(before)
        start = plan.start
        if executor is None:
            executor, start = Here(), lambda: Maker(plan, model)
        else:
            del model  # the workers load their own, and may have another current folder
            at = None if plan.model is None else plan.model.absolute()
            start = replace(plan, folder=plan.folder.absolute(), model=at).start
        try:
            again = _pass(folder, executor, start, _shards(missing, size), tell)
            # Of a shard whose process died, as for want of memory, each prompt is tried alone.
            _pass(folder, executor, start, _shards(again, 1), tell)
        finally:
            folder.write()
        return Result(len(folder.rows) - before, before, len(folder.errors))


def _shards(prompts: Sequence[Prompt], size: int) -> list[Sequence[Prompt]]:
    return [prompts[at : at + size] for at in range(0, len(prompts), size)]


def _pass(
    folder: Folder,
    executor: Executor,
    start: Callable[[], Maker],
    shards: list[Sequence[Prompt]],
    tell: Callable[[int], None],
) -> list[Prompt]:
    """Make shards, and return the prompts of those that were lost as a whole; a lost prompt alone has failed."""
    lost: list[Prompt] = []
    for number, result in executor.map(start, shards):
        if isinstance(result, Lost) and len(shards[number]) > 1:
            lost += shards[number]
            continue
        if isinstance(result, Lost):
            result = Made(errors=[failed(shards[number][0], result.why)])
        folder.add(result.rows, result.errors)
        tell(len(shards[number]))
    return lost


def settings(plan: Plan) -> dict[str, Any]:
    """All that motions of a folder have in common, as batch.json says it."""
    rig = plan.output.rig
    return {
        "weights": plan.weights,
        **asdict(plan.options),
        "footlock": plan.footlock,
        "skeleton": None if plan.skeleton is None else _hash(plan.skeleton),
        "suffix": plan.suffix,
        **vars(plan.output),
        "rig": None if rig is None else f"{_hash(rig.skeleton)} {rig.sole:g}",
    }


def _hash(skeleton: Skeleton) -> str:
    return hashlib.sha256(skeleton.to_json().encode()).hexdigest()
