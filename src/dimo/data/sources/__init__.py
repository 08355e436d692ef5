"""Collections of motion with captions, each turned into jobs: light descriptions that workers load later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dimo.data.records import Job
from dimo.data.sources import folder as any_folder
from dimo.data.sources import humanml3d, motionx, pack
from dimo.errors import FormatError


def jobs(source: Path, unpacked: Path) -> list[Job]:
    """Jobs of a folder, whose kind is found by what lies in it; FormatError when nothing usable does.

    FormatError, too, for a recording in two splits: what is learnt from a take must not be tested on it.
    """
    found = _jobs(source, unpacked)
    splits: dict[str, Job] = {}
    for job in found:
        first = splits.setdefault(job.recording or job.id, job)
        if first.split != job.split:
            raise FormatError(
                f"the recording {job.recording!r} is in two splits: {first.id} in {first.split or 'none'}, "
                f"{job.id} in {job.split or 'none'}",
                path=source,
            )
    return found


def _jobs(source: Path, unpacked: Path) -> list[Job]:
    if not source.is_dir():
        raise FormatError("no such folder of motions", path=source)
    if pack.is_pack(source):
        return pack.jobs(source, unpacked)
    if humanml3d.is_humanml3d(source):
        return [replace(job, kind="human") for job in humanml3d.jobs(source)]  # both have been annotated by people
    if motionx.is_motionx(source):
        return motionx.jobs(source)
    found = any_folder.jobs(source)
    if not found:
        raise FormatError(
            "holds no pack (index.jsonl), no HumanML3D directory (texts, new_joints), no Motion-X directory (texts, "
            "motion_data), and no .bvh or .amc file",
            path=source,
        )
    return found
