"""Running rows: train, measure, keep; what is there already is taken as it is, and what was interrupted goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dimo.ablate import table
from dimo.ablate.measure import measure
from dimo.ablate.plan import Plan
from dimo.ablate.records import Found, Records, find
from dimo.ablate.row import Row
from dimo.ablate.trainings import OutOfTime, Places, Trainings
from dimo.data import heldout
from dimo.data.records import Clip
from dimo.errors import DimoError, RequestError
from dimo.evaluate.settings import Progress, silent
from dimo.evaluators.evaluator import Evaluator
from dimo.learn import parallel

Say = Callable[[str], None]


def run(
    plan: Plan,
    rows: Sequence[Row],
    places: Places,
    evaluators: Sequence[Evaluator],
    *,
    time_limit: float | None = None,
    say: Say = lambda _: None,
    progress: Progress = silent,
) -> list[Found]:
    """Make rows of the plan that are not there yet, in their order, and the table of the whole plan; returns its state.

    time_limit: seconds after which no row is begun and a training ends with its state saved. A row that cannot be made does not
    keep the others from it; RequestError names the first one in the end.
    """
    if parallel.world()[1] > 1:
        raise RequestError("rows are trained by one process; run dimo ablate without torchrun")
    trainings = Trainings(places, None if time_limit is None else time.monotonic() + time_limit)
    records, failed = Records(places.out), []
    loaded: dict[tuple[str, int], list[Clip]] = {}
    places.out.mkdir(exist_ok=True)
    try:
        for number, found in enumerate(find(rows, trainings, evaluators), start=1):
            row, where = found.row, f"{number}/{len(rows)} {found.row.title}"
            if found.record is not None:
                say(f"{where}: done before")
                continue
            try:
                if (same := records.alike(found.key)) is not None:
                    say(f"{where}: the same as {same['row']}, seed {same['seed']}")
                    known = {k: same[k] for k in ("metrics", "real", "seconds", "conditions")}
                else:
                    state = trainings.state(row)
                    say(f"{where}: {f'{state}, ' if state else ''}{'measuring' if state == 'trained' else 'training'}")
                    folder = trainings.model(row)
                    trainings.check()
                    clips = _clips(row, places.data, loaded)
                    known, report = measure(
                        row, folder, trainings.folder(row), clips, evaluators, places.device, progress
                    )
                    (places.out / "reports").mkdir(exist_ok=True)
                    report.save(places.out / "reports" / row.file)
            except DimoError as error:
                say(f"{where}: {error}")
                failed.append(f"{row.title}: {error}")
                continue
            records.write(row, found.key, trainings, known)
            table.save(plan, find(plan.rows, trainings, evaluators), places.out)
    except OutOfTime:
        say(f"the {time_limit:g} seconds are over")
    done = find(plan.rows, trainings, evaluators)
    table.save(plan, done, places.out)
    if failed:
        others = f" (and {len(failed) - 1} more rows)" if len(failed) > 1 else ""
        raise RequestError(f"{failed[0]}{others}")
    return done


def _clips(row: Row, data: Path, loaded: dict[tuple[str, int], list[Clip]]) -> list[Clip]:
    """The clips that a row is measured on, read once."""
    asked = row.measuring.evaluate
    where = (asked.split, asked.limit)
    if where not in loaded:
        loaded[where] = heldout.load(data, asked.split, limit=asked.limit)
    return loaded[where]
