"""The Motion Model Context Protocol, asked by the client of its published SDK, and bodies with rest rotations."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dimo import Motion, preset
from dimo.body.kinematics import forward
from dimo.serve.app import create_app
from dimo.serve.limits import Limits
from dimo.serve.mmcp_body import Body, canonical
from dimo.serve.mmcp_loop import travel
from dimo.serve.mmcp_schemas import Skeleton
from dimo.serve.service import Service

sdk = pytest.importorskip("motionmcp.client")

TEXT = "a person walks forward"


@pytest.fixture(scope="module")
def address(model, serving):
    with serving(create_app(Service(model, Limits(seconds=10)))) as address:
        yield address


@pytest.fixture(scope="module")
def caps(address):
    return sdk.get_capabilities(address, use_cache=False)


def strips(*prompts, frames=20, **more):
    segments = [
        {"type": "text", "prompt": p, "duration_frames": frames}
        if p
        else {"type": "unconditioned", "duration_frames": frames}
        for p in prompts
    ]
    return {"protocol_version": "1.0", "model": "dimo", "segments": segments, **more}


def asked(address, caps, *prompts, **more):
    body = {"skeleton": caps["models"][0]["canonical_skeleton"], **strips(*prompts, **more)}
    return sdk.generate(address, body)


def refused(address, caps, *prompts, **more):
    with pytest.raises(sdk.MmcpError) as error:
        asked(address, caps, *prompts, **more)
    return error.value.code


def world(sample, skeleton):
    """Positions (F, J, 3) of a parsed sample, by matrices: the SDK's numbers, our rest offsets, and nothing of ours."""
    names = [j["name"] for j in skeleton["joints"]]
    local = sample["local_rot_mats"].astype(float)
    turns, places = np.zeros_like(local), np.zeros((*local.shape[:2], 3))
    for j, joint in enumerate(skeleton["joints"]):
        if joint["parent"] is None:
            turns[:, j], places[:, j] = local[:, j], sample["posed_joints"][:, j]
            continue
        p = names.index(joint["parent"])
        turns[:, j] = turns[:, p] @ local[:, j]
        places[:, j] = places[:, p] + turns[:, p] @ np.array(joint["rest_translation"])
    return places


def test_capabilities_are_what_the_sdk_reads(caps):
    from motionmcp.backbone import ModelSpec

    (told,) = caps["models"]
    spec = ModelSpec.model_validate(told)
    assert (spec.id, spec.fps, spec.supports_retargeting, spec.supports_loop) == ("dimo", 20, True, True)
    assert sdk.pick_model(caps)["id"] == "dimo"
    assert set(sdk.model_supported_segments(told)) == {"text", "unconditioned"}
    assert spec.supported_constraints == []
    assert len(spec.canonical_skeleton.joints) == 22


def test_strips_are_the_motion_that_compose_makes(address, caps, model):
    gltf = asked(address, caps, TEXT, "a person bows", options={"seed": 3, "num_samples": 2})
    samples = sdk.parse_gltf_samples(gltf)
    expected = model.compose([(TEXT, 1), ("a person bows", 1)], seed=3, samples=2)
    assert len(samples) == 2
    for sample, motion in zip(samples, expected, strict=True):
        assert (sample["num_frames"], sample["fps"]) == (40, 20)
        assert np.abs(world(sample, caps["models"][0]["canonical_skeleton"]) - motion.joints()).max() < 1e-5
    assert gltf["extensions"]["MMCP_motion"]["notes"][0]["seed"] == 3


def test_no_prompt_and_another_rate(address, caps, model):
    gltf = asked(address, caps, None, frames=60, timing={"fps": 30}, options={"seed": 1})
    (sample,) = sdk.parse_gltf_samples(gltf)
    assert (sample["num_frames"], sample["fps"]) == (60, 30)
    ours = model.sample(2.05, seed=1)[0].joints()  # a frame more: the last of 30 a second lies behind the last of 20
    theirs = world(sample, caps["models"][0]["canonical_skeleton"])
    assert np.abs(theirs[::3] - ours[:40:2]).max() < 1e-5  # every tenth of a second both have a frame


@pytest.mark.parametrize("fps", [20, 24])
def test_a_loop_ends_as_it_begins(address, caps, model, fps):
    """The same pose, height and heading, elsewhere; and the clip itself is what the prompt makes."""
    body = caps["models"][0]["canonical_skeleton"]
    more = {"frames": 3 * fps + 1, "timing": {"fps": fps}, "options": {"seed": 1, "num_samples": 2, "loop": True}}
    for number, sample in enumerate(sdk.parse_gltf_samples(asked(address, caps, TEXT, **more))):
        joints = world(sample, body)
        assert (len(joints), sample["fps"]) == (3 * fps + 1, fps)
        moved = joints[-1] - joints[0]
        assert np.abs(moved - moved[0]).max() < 1e-4
        assert abs(moved[0, 1]) < 1e-6
        assert np.abs(sample["local_rot_mats"][-1] - sample["local_rot_mats"][0]).max() < 1e-4
        clip = model.generate(TEXT, seconds=2.25, samples=2, seed=1)[number].joints()  # three quarters of the round
        assert np.abs(joints[: 2 * fps : fps // 4] - clip[:40:5]).max() < 1e-4


def test_a_loop_of_several_strips_is_refused(address, caps):
    assert refused(address, caps, TEXT, "a person bows", options={"loop": True}) == "invalid_options"


def test_where_a_round_begins_again():
    """A walk of 2 m in 41 frames is at 0.05 m a frame; a body that came back stays."""
    root = np.stack([np.zeros(41), np.full(41, 0.95), np.linspace(0, 2, 41)], axis=1)
    still = np.tile([1.0, 0, 0, 0], (41, 22, 1))
    assert travel(Motion(preset("humanml3d"), 20, root, still), 60) == pytest.approx([0, 0, 3])
    assert travel(Motion(preset("humanml3d"), 20, root * [1, 1, 0.1], still), 60) == pytest.approx([0, 0, 0])


def test_feet_that_stand_are_told(address, caps):
    (sample,) = sdk.parse_gltf_samples(asked(address, caps, TEXT, options={"seed": 1}))
    told = {sample["joint_names"][j] for j in np.flatnonzero(sample["foot_contacts"].any(0))}
    assert told <= {"left_foot", "right_foot"}


def blender_like(skeleton, seed=0):
    """The same joints as a rig whose bones rest in turned frames, as Blender's do, and with other names."""
    rng = np.random.default_rng(seed)
    turns = Rotation.random(len(skeleton["joints"]), rng=rng)
    names = [j["name"] for j in skeleton["joints"]]
    joints, places = [], {}
    for j, joint in enumerate(skeleton["joints"]):
        parent = names.index(joint["parent"]) if joint["parent"] else None
        back = turns[parent].inv() if parent is not None else Rotation.identity()
        joints.append(
            {
                **joint,
                "rest_translation": back.apply(joint["rest_translation"]).tolist(),
                "rest_rotation": (back * turns[j]).as_quat().tolist(),
            }
        )
        places[joint["name"]] = turns[j]
    return {**skeleton, "joints": joints}


def test_rest_rotations_change_nothing_of_the_movement(address, caps):
    plain = caps["models"][0]["canonical_skeleton"]
    rig = blender_like(plain)
    (a,) = sdk.parse_gltf_samples(asked(address, caps, TEXT, options={"seed": 2}))
    (b,) = sdk.parse_gltf_samples(asked(address, caps, TEXT, options={"seed": 2}, skeleton=rig))
    # Retargeting turns twist away, so the same places are asked for, not the same rotations.
    assert np.abs(world(a, plain) - world(b, rig)).max() < 1e-3


def test_a_body_at_rest_has_its_rest_rotations():
    rig = blender_like(canonical(preset("humanml3d")), seed=4)
    body = Body.of(Skeleton.model_validate(rig))
    identity = np.tile([1.0, 0, 0, 0], (1, 22, 1))
    still = Motion(body.skeleton, 20, np.zeros((1, 3)), identity)
    told = body.rotations(still)[0]
    wanted = np.array([j["rest_rotation"] for j in rig["joints"]])
    assert np.abs(np.abs((told * wanted).sum(-1)) - 1).max() < 1e-9
    at_rest = forward(preset("humanml3d"), np.zeros((1, 3)), identity)
    assert np.abs(still.joints() - still.joints()[:, :1] - at_rest).max() < 1e-9


def test_other_rigs_are_mapped_and_told(address, caps):
    body = canonical(preset("cmu_common"))
    gltf = asked(address, caps, TEXT, options={"seed": 2}, skeleton=body)
    told = gltf["extensions"]["MMCP_motion"]["canonical_to_request"]
    names = [j["name"] for j in body["joints"]]
    assert set(told.values()) <= set(names)
    assert sdk.parse_gltf(gltf)["joint_names"] == names
    assert len(told) > 15


def test_a_batch_answers_each_and_errors_stay_apart(address, caps):
    import json
    import urllib.request

    skeleton = caps["models"][0]["canonical_skeleton"]
    good = {**strips(TEXT, options={"seed": 1}), "skeleton": skeleton}
    body = {"protocol_version": "1.0", "requests": [good, {**good, "model": "other"}, 5, good]}
    request = urllib.request.Request(
        f"{address}/generate", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        results = json.load(answer)["results"]
    assert [next(iter(r)) for r in results] == ["gltf", "error", "error", "gltf"]
    assert results[1]["error"]["code"] == "unknown_model"
    assert results[0] == results[3]
    alone = asked(address, caps, TEXT, options={"seed": 1})
    assert results[0]["gltf"] == alone


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"options": {"loop": True}, "frames": 15}, "invalid_options"),
        ({"options": {"keyframe_budget": 0.1}}, "invalid_options"),
        ({"options": {"model_options": {"a": 1}}}, "invalid_options"),
        ({"options": {"guidance": {"type": "separated", "weight": [1, 2]}}}, "invalid_options"),
        ({"options": {"guidance": {"type": "regular", "weight": []}}}, "invalid_options"),
        ({"options": {"seed": -1}}, "invalid_options"),
        ({"options": {"speed": 2}}, "schema_validation"),
        ({"frames": 500}, "invalid_options"),
        ({"frames": 0}, "schema_validation"),
        ({"model": "other"}, "unknown_model"),
        ({"protocol_version": "2.0"}, "version_unsupported"),
        ({"protocol_version": "one"}, "schema_validation"),
        ({"constraints": [{"type": "root_path", "frames": [0], "positions_xz": [[0, 0]]}]}, "unsupported_constraint"),
        ({"segments": [{"type": "pose", "prompt": "a bow"}]}, "unsupported_segment"),
        ({"segments": [{"type": "text", "duration_frames": 20}]}, "schema_validation"),
        ({"segments": [{"type": "text", "prompt": "  ", "duration_frames": 20}]}, "invalid_options"),
        ({"segments": []}, "schema_validation"),
        ({"skeleton": {"joints": []}}, "schema_validation"),
        ({"timing": {"fps": 0}}, "schema_validation"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_code(address, caps, more, code):
    assert refused(address, caps, TEXT, **more) == code


def joint(name, parent, y=0.1, rotation=(0, 0, 0, 1)):
    return {"name": name, "parent": parent, "rest_translation": [0, y, 0], "rest_rotation": list(rotation)}


@pytest.mark.parametrize(
    "joints",
    [
        [joint("a", None), joint("b", "c"), joint("c", "a")],
        [joint("a", None), joint("a", "a")],
        [joint("a", None), joint("b", "a", rotation=(0, 0, 0, 0))],
        [joint("box", None), joint("lid", "box")],
        [joint("a", None), joint("b", None)],
    ],
)
def test_skeletons_that_are_none(address, caps, joints):
    assert refused(address, caps, TEXT, skeleton={"joints": joints}) == "invalid_skeleton"


def test_guidance_and_footlock_reach_the_model(address, caps, model):
    options = {"seed": 4, "guidance": {"type": "nocfg", "weight": []}, "post_processing": False, "diffusion_steps": 3}
    (sample,) = sdk.parse_gltf_samples(asked(address, caps, TEXT, options=options))
    expected = model.generate(TEXT, seconds=1, seed=4, steps=3, guidance=1.0, footlock=False)[0]
    assert np.abs(world(sample, caps["models"][0]["canonical_skeleton"]) - expected.joints()).max() < 1e-5
