"""Runs inside Blender: where it puts the joints of a file. Arguments: file, frames a second, where to write, frames."""

import json
import sys

import bpy  # pyright: ignore[reportMissingImports]

given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
path, fps, target, *frames = given
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = int(fps)
suffix = path.rpartition(".")[2]
if suffix == "bvh":
    bpy.ops.import_anim.bvh(filepath=path)
elif suffix == "fbx":
    bpy.ops.wm.fbx_import(filepath=path)
elif suffix.startswith("usd"):
    bpy.ops.wm.usd_import(filepath=path)
else:
    bpy.ops.import_scene.gltf(filepath=path)
armature = next(o for o in scene.objects if o.type == "ARMATURE")
poses = []
for frame in map(int, frames):
    scene.frame_set(frame)
    poses.append({bone.name: list(armature.matrix_world @ bone.head) for bone in armature.pose.bones})
shortest = min(bone.length for bone in armature.data.bones)
with open(target, "w") as file:
    json.dump({"poses": poses, "shortest": shortest, "version": bpy.app.version_string}, file)
