"""Sources, preparation, shards and the HumanML3D layout, on clips made here."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from killing import Killing, holds_walk_1

from dimo import FormatError, Motion, preset
from dimo.body.retarget import retarget
from dimo.data import layout, prepare, shards, sources
from dimo.data.prepare import PrepareOptions
from dimo.data.records import Caption, Clip, Job
from dimo.features import humanml3d
from dimo.scale.executor import Lost

OPTIONS = PrepareOptions(crops=0)


def walk(seconds: float = 3, fps: float = 30, speed: float = 1.2) -> Motion:
    """The rest pose gliding ahead."""
    frames = round(seconds * fps)
    root = np.stack([np.zeros(frames), np.full(frames, 0.9), speed * np.arange(frames) / fps], axis=1)
    return Motion(preset("humanml3d"), fps, root, np.tile([1.0, 0, 0, 0], (frames, 22, 1)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    for i in range(3):
        walk().save(source / f"walk_{i}.bvh")
        (source / f"walk_{i}.txt").write_text("A man walks to his left.\n")
    (source / "broken.bvh").write_text("HIERARCHY\nROOT x\n")
    walk(0.3).save(source / "short.bvh")
    rows = [
        {"id": f"walk_{i}", "captions": ["A man walks to his left."], "split": s}
        for i, s in enumerate(("train", "val", "test"))
    ]
    (source / "captions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return source


def test_a_folder_becomes_shards_and_a_report(folder, tmp_path):
    out = tmp_path / "out"
    manifest = prepare.prepare(folder, out, OPTIONS)
    clips = {c.id: c for c in shards.read(out)}
    assert set(clips) == {"walk_0", "Mwalk_0", "walk_1", "walk_2"}
    assert [clips[f"walk_{i}"].split for i in range(3)] == ["train", "val", "test"]
    clip = clips["walk_0"]
    assert clip.joints.shape == (60, 22, 3)
    expected = np.array(walk().resample(20).joints())
    expected -= [0, expected[..., 1].min(), 0]  # every recording has a zero plane of its own
    assert np.abs(clip.joints - expected).max() < 1e-4
    assert clip.captions[0].text == "a man walks to his left"
    assert {c.kind for c in clip.captions} == {"written", "derived"}
    assert clips["Mwalk_0"].captions[0].text == "a man walks to his right"
    report = {r["id"]: r["reason"] for r in json.loads((out / "report.json").read_text())}
    assert set(report) == {"broken", "short"}
    assert "0.3" in report["short"]
    assert manifest["clips"] == 4
    assert manifest["rejected"] == 2


def test_a_second_run_keeps_the_shards_and_other_settings_do_not(folder, tmp_path):
    out = tmp_path / "out"
    prepare.prepare(folder, out, OPTIONS)
    before = {p: p.stat().st_mtime_ns for p in out.glob("*.parquet")}
    again = prepare.prepare(folder, out, OPTIONS)
    assert {p: p.stat().st_mtime_ns for p in out.glob("*.parquet")} == before
    assert again["rejected"] == 2
    prepare.prepare(folder, out, replace(OPTIONS, mirror=False))
    assert not set(out.glob("*.parquet")) & set(before)
    assert not [c for c in shards.read(out) if c.mirrored]


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_a_process_that_is_killed_changes_nothing(folder, tmp_path, monkeypatch):
    """What processes write is what this one writes, byte for byte; one that dies of the second shard is replaced."""
    monkeypatch.setattr(prepare, "SHARD", 2)
    prepare.prepare(folder, tmp_path / "here", OPTIONS)
    told: list[tuple[int, int]] = []
    killing = Killing(tmp_path, holds_walk_1, times=1)
    prepare.prepare(folder, tmp_path / "there", OPTIONS, executor=killing, progress=lambda *n: told.append(n))
    assert (tmp_path / "killed-0").exists()
    assert len(list((tmp_path / "here").glob("*.parquet"))) == 3
    assert files(tmp_path / "there") == files(tmp_path / "here")
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (5, 5)


class Losing:
    """An executor that loses what holds a job, as one whose processes die of it."""

    def map(self, start, shards):
        work = start()
        for number, shard in reversed([*enumerate(shards)]):
            yield number, Lost("the process died") if holds_walk_1(shard) else work(shard)


def test_a_clip_that_kills_is_rejected_alone_and_tried_again(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "SHARD", 5)
    out = tmp_path / "out"
    assert prepare.prepare(folder, out, OPTIONS, executor=Losing())["rejected"] == 3
    assert [c.id for c in shards.read(out)] == ["walk_0", "Mwalk_0", "walk_2"]
    report = {r["id"]: r["reason"] for r in json.loads((out / "report.json").read_text())}
    assert report["walk_1"] == "the process died"
    prepare.prepare(folder, out, OPTIONS)
    prepare.prepare(folder, tmp_path / "peace", OPTIONS)
    assert files(out) == files(tmp_path / "peace")


def test_composites_follow_their_shards(folder, tmp_path, monkeypatch):
    """They are in the order of their runs, and are made again when a shard is."""
    monkeypatch.setattr(prepare, "SHARD", 2)
    monkeypatch.setattr(prepare, "RUN", 2)
    composed = replace(OPTIONS, composites=5)

    def make(banks, count, seed, prefix):
        joints = walk().resample(20).joints().astype(np.float32)
        return [Clip(f"{prefix}_{seed}_{i}", joints, 20, (), "train", composite=True) for i in range(count)]

    monkeypatch.setattr(prepare.compose, "make", make)
    out = tmp_path / "out"
    prepare.prepare(folder, out, composed, executor=Losing())
    made = [c.id for c in shards.read(out) if c.composite]
    assert made == [f"composite_00{r}_{1000 * r}_{i}" for r, n in ((0, 2), (1, 2), (2, 1)) for i in range(n)]
    (path,) = out.glob("*-composites.parquet")
    path.write_bytes(b"old")
    prepare.prepare(folder, out, composed)  # the shard of walk_1 is still due
    assert len([c for c in shards.read(out) if c.composite]) == 5


def test_mirroring_twice_is_the_clip(folder, tmp_path):
    job = next(j for j in sources.jobs(folder, tmp_path) if j.id == "walk_0")
    clip = prepare.process(job, replace(OPTIONS, mirror=False))[0]
    twice = prepare.mirrored(prepare.mirrored(clip))
    assert np.array_equal(twice.joints, clip.joints)
    assert twice.captions == clip.captions


def test_long_takes_are_cut_and_their_crops_keep_the_captions(tmp_path):
    walk(30, 20).save(tmp_path / "long.bvh")
    job = Job("long", tmp_path / "long.bvh", ("someone walks",), split="train")
    clips = prepare.process(job, replace(OPTIONS, mirror=False, crops=1))
    assert len(clips) == 8
    assert sum(len(c.joints) for c in clips[:4]) == 600
    assert all(len(c.joints) <= 196 for c in clips)
    assert all(any(t.text == "someone walks" for t in c.captions) for c in clips)


def test_crops_of_short_clips_say_only_what_was_measured(tmp_path):
    walk(8, 20).save(tmp_path / "short.bvh")
    job = Job("short", tmp_path / "short.bvh", ("someone walks and sneezes",), split="train")
    whole, *crops = prepare.process(job, replace(OPTIONS, mirror=False, crops=2))
    assert any(t.kind == "written" for t in whole.captions)
    assert crops
    assert all(t.kind == "derived" for c in crops for t in c.captions)


@pytest.mark.parametrize(
    ("motion", "words"),
    [
        (replace(walk(), root=walk().root + np.eye(90, 3, -40) * 50), "jumps"),
        (replace(walk(), root=walk().root + np.array([0, 9, 0])), "zero plane"),
        (walk(0.2), "lasts"),
    ],
)
def test_implausible_clips_are_refused(motion, words):
    assert words in prepare.fault(motion, OPTIONS)
    assert prepare.fault(walk(), OPTIONS) is None


def test_split_by_recording_is_stable_and_has_the_shares():
    splits = [prepare.split_of(f"take {i}", (0.8, 0.05)) for i in range(4000)]
    assert splits == [prepare.split_of(f"take {i}", (0.8, 0.05)) for i in range(4000)]
    assert splits.count("train") / 4000 == pytest.approx(0.8, abs=0.02)
    assert splits.count("val") / 4000 == pytest.approx(0.05, abs=0.01)


def test_folders_without_motion_and_without_shards_are_named(tmp_path):
    with pytest.raises(FormatError, match="pack"):
        sources.jobs(tmp_path, tmp_path)
    with pytest.raises(FormatError, match="no such folder"):
        sources.jobs(tmp_path / "none", tmp_path)
    with pytest.raises(FormatError, match="parquet"):
        list(shards.read(tmp_path))
    (tmp_path / "x.parquet").write_bytes(b"no")
    with pytest.raises(FormatError, match=r"x\.parquet"):
        list(shards.read(tmp_path))


def test_humanml3d_layout_is_read_back(folder, tmp_path):
    out = tmp_path / "h3d"
    assert layout.write(folder, out, OPTIONS) == 4
    assert (out / "train.txt").read_text().split() == ["000001", "M000001"]
    vectors = np.load(out / "new_joint_vecs" / "000001.npy")
    joints = np.load(out / "new_joints" / "000001.npy")
    assert vectors.shape == (59, 263)
    assert np.abs(vectors - humanml3d.encode(joints.astype(float), "published")).max() < 1e-5
    line = (out / "texts" / "000001.txt").read_text().splitlines()[0]
    assert line == "a man walks to his left#a/DET man/NOUN walk/VERB to/ADP his/DET left/ADJ#0.0#0.0"
    std = np.load(out / "Std.npy")
    for part in humanml3d.columns(humanml3d.layout_for(size=263)).values():
        assert np.ptp(std[part]) < 1e-6
    again = tmp_path / "again"
    prepare.prepare(out, again, replace(OPTIONS, mirror=False))
    clips = {c.id: c for c in shards.read(again)}
    assert set(clips) == {"000001", "M000001", "000002", "000003"}
    assert clips["M000001"].mirrored
    assert np.abs(clips["000001"].joints - joints).max() < 1e-3
    assert clips["000001"].captions[0].text == "a man walks to his left"


def test_tagged_captions_are_clips_of_their_own(tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "new_joints").mkdir()
    np.save(tmp_path / "new_joints" / "000001.npy", walk(6, 20).joints())
    (tmp_path / "texts" / "000001.txt").write_text(
        "walks on#walk/VERB#0.0#0.0\nwalks then#walk/VERB#1.0#3.0\nodd#odd/ADJ#nan#nan\n"
    )
    (tmp_path / "train.txt").write_text("000001\n000002\n")
    jobs = {j.id: j for j in sources.jobs(tmp_path, tmp_path)}
    assert set(jobs) == {"000001", "000001_1", "000002"}
    assert jobs["000001"].captions == ("walks on", "odd")
    assert {j.kind for j in jobs.values()} == {"human"}
    clips = prepare.process(jobs["000001_1"], replace(OPTIONS, mirror=False))
    assert len(clips[0].joints) == 40
    assert "no such file" in prepare.process(jobs["000002"], OPTIONS).reason


# ---- other bodies, and collections as they are


def collection(folder: Path, joints: dict[str, np.ndarray], split: str = "train") -> Path:
    """A directory in the layout of HumanML3D and KIT-ML."""
    for name in ("new_joints", "texts"):
        (folder / name).mkdir(parents=True)
    (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in joints))
    for name, values in joints.items():
        np.save(folder / "new_joints" / f"{name}.npy", values.astype(np.float32))
        (folder / "texts" / f"{name}.txt").write_text("A man walks and stops on his left leg.#a/DET#0.0#0.0\n")
    return folder


def kit_walk(frames: int) -> np.ndarray:
    """KIT-ML's rest pose turned about and carried ahead, in its joints at 12.5 fps, in millimetres: (F, 21, 3)."""
    motion = retarget(walk(frames / 12.5, fps=12.5), preset("kit"))
    return 1000 * motion.joints()


def test_kit_keeps_its_joints_and_its_rate(tmp_path):
    truth = kit_walk(60)
    source = collection(tmp_path / "KIT-ML", {"00001": truth})
    options = PrepareOptions(fps=12.5, body="kit", plain=True)
    prepare.prepare(source, tmp_path / "out", options)
    clips = {c.id: c for c in shards.read(tmp_path / "out")}
    assert set(clips) == {"00001", "M00001"}
    clip, mirror = clips["00001"], clips["M00001"]
    assert (clip.joints.shape, clip.fps) == ((60, 21, 3), 12.5)
    assert np.abs(clip.joints - truth / 1000).max() < 2e-3
    # KIT-ML's right leg is joints 11 to 15 and its left one 16 to 20 (docs/how-it-works.md).
    assert np.allclose(mirror.joints[:, 11:16], clip.joints[:, 16:21] * [-1, 1, 1], atol=1e-6)
    assert np.allclose(mirror.joints[:, 5:8], clip.joints[:, 8:11] * [-1, 1, 1], atol=1e-6)
    assert [c.text for c in mirror.captions] == ["a man walks and stops on his right leg"]
    assert humanml3d.encode(np.asarray(clip.joints, float)).shape == (60, 251)


def test_contacts_in_metres_mean_one_speed_on_every_body():
    for name, fps in (("humanml3d", 20.0), ("kit", 12.5), ("smplx", 20.0)):
        for speed, expected in ((0.8, 1.0), (1.0, 0.0)):  # metres a second; 0.89 is the bound
            motion = retarget(walk(2, fps=fps, speed=speed), preset(name))
            joints = (
                motion.joints() * speed / fps / np.diff(motion.root[:, 2])[0]
            )  # legs of other lengths take other steps
            assert np.all(humanml3d.encode(joints)[:, -4:] == expected), (name, speed)


def test_plain_clips_are_whole_and_of_the_lengths_that_the_field_reads(tmp_path):
    joints = {f"{n:06d}": walk(n / 20, fps=20).joints() for n in (39, 40, 199, 200)}
    source = collection(tmp_path / "HumanML3D", joints)
    prepare.prepare(source, tmp_path / "out", PrepareOptions(plain=True))
    clips = {c.id: c for c in shards.read(tmp_path / "out") if not c.mirrored}
    assert {name: len(c.joints) for name, c in clips.items()} == {"000040": 40, "000199": 199}
    # Somebody walks on at the end, and yet the caption stays as it is, alone.
    assert {c.captions for c in clips.values()} == {(Caption("a man walks and stops on his left leg", "human"),)}
    report = {r["id"]: r["reason"] for r in json.loads((tmp_path / "out" / "report.json").read_text())}
    assert report["000200"] == "has 200 frames; the loaders of the field read 40 to 199"
    assert set(report) == {"000039", "000200"}
    assert (
        prepare.fault(retarget(walk(24 / 12.5, fps=12.5), preset("kit")), PrepareOptions(12.5, body="kit", plain=True))
        is None
    )


def test_shards_of_before_there_were_other_bodies_stay():
    assert set(PrepareOptions().identity) == set(PrepareOptions.__dataclass_fields__) - {"body", "plain"}
    assert PrepareOptions(plain=True).identity["plain"]
    assert PrepareOptions(body="kit").identity["body"] == "kit"
