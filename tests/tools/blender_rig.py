"""Runs inside Blender: its own human rig in motion, exported as a user would. Argument: a folder.

Writes rig.glb and rig.bvh, and rig.json: where Blender has the heads of all bones in frames 1 to 10.
"""

import json
import sys
from math import sin

import bpy  # pyright: ignore[reportMissingImports]

FRAMES = range(1, 11)
given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
(folder,) = given
bpy.ops.wm.read_factory_settings(use_empty=True)
for name in ("rigify", "io_anim_bvh", "io_scene_gltf2"):
    bpy.ops.preferences.addon_enable(module=name)
scene = bpy.context.scene
scene.render.fps, scene.frame_start, scene.frame_end = 24, FRAMES[0], FRAMES[-1]
bpy.ops.object.armature_human_metarig_add()
rig = bpy.context.object
for k, bone in enumerate(rig.pose.bones):
    bone.rotation_mode = "XYZ"
    for frame in FRAMES:
        bone.rotation_euler = [0.1 * sin(0.3 * frame + k + axis) for axis in range(3)]
        bone.keyframe_insert("rotation_euler", frame=frame)
        if k == 0:
            bone.location = [0.02 * frame, 0.1 * frame, 0.01 * sin(frame)]
            bone.keyframe_insert("location", frame=frame)

poses = []
for frame in FRAMES:
    scene.frame_set(frame)
    poses.append({b.name: list(rig.matrix_world @ b.head) for b in rig.pose.bones})

bpy.ops.mesh.primitive_cube_add()  # so that there is a skin
body = bpy.context.object
group = body.vertex_groups.new(name=rig.pose.bones[0].name)
group.add(range(8), 1.0, "REPLACE")
body.parent = rig
body.modifiers.new("Armature", "ARMATURE").object = rig
bpy.ops.export_scene.gltf(filepath=f"{folder}/rig.glb", export_format="GLB")
bpy.context.view_layer.objects.active = rig
bpy.ops.export_anim.bvh(
    filepath=f"{folder}/rig.bvh", frame_start=FRAMES[0], frame_end=FRAMES[-1], root_transform_only=True
)
with open(f"{folder}/rig.json", "w") as file:
    json.dump(poses, file)
