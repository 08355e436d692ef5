"""Runs inside Blender, or in a Python with bpy, and imports nothing of dimo (formats/blender.py starts it)."""

import sys

import bpy  # pyright: ignore[reportMissingImports]


def empty_scene(fps: int):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, 1.0
    return scene


def last_frame() -> int:
    return max((round(action.frame_range[1]) for action in bpy.data.actions), default=1)


def to_fbx(fps: str, glb: str, fbx: str) -> None:
    whole = max(1, round(float(fps)))
    scene = empty_scene(whole)
    bpy.ops.import_scene.gltf(filepath=glb)
    # Blender draws bones with shapes of its own, which are no part of the character.
    for thing in [o for o in bpy.data.objects if o.type == "MESH" and not o.users_scene]:
        bpy.data.objects.remove(thing)
    shapes = {bone.custom_shape for o in bpy.data.objects if o.type == "ARMATURE" for bone in o.pose.bones}
    for bone in (b for o in bpy.data.objects if o.type == "ARMATURE" for b in o.pose.bones):
        bone.custom_shape = None
    for shape in shapes - {None}:
        bpy.data.objects.remove(shape)
    scene.frame_start, scene.frame_end = 0, last_frame()
    scene.render.fps_base = whole / float(fps)
    bpy.ops.export_scene.fbx(
        filepath=fbx,
        apply_scale_options="FBX_SCALE_UNITS",
        add_leaf_bones=False,
        bake_anim_use_all_actions=False,
        bake_anim_use_nla_strips=False,
        bake_anim_simplify_factor=0.0,
        path_mode="COPY",
        embed_textures=True,
    )


def loosen() -> None:
    """Bones that begin where their parents end are tied to them on import, and could not move away."""
    for armature in [o for o in bpy.context.scene.objects if o.type == "ARMATURE"]:
        bpy.context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="EDIT")
        for bone in armature.data.edit_bones:
            bone.use_connect = False
        bpy.ops.object.mode_set(mode="OBJECT")


def from_fbx(glb: str, fbx: str) -> None:
    scene = empty_scene(24)
    if hasattr(bpy.ops.wm, "fbx_import"):  # since 4.5
        bpy.ops.wm.fbx_import(filepath=fbx)
    else:
        bpy.ops.import_scene.fbx(filepath=fbx)
    loosen()
    print(f"dimo-fps {scene.render.fps} {scene.render.fps / scene.render.fps_base!r}")
    scene.render.fps_base = 1.0
    scene.frame_start, scene.frame_end = 0, last_frame()
    bpy.ops.export_scene.gltf(
        filepath=glb, export_format="GLB", export_animations=True, export_force_sampling=True, export_def_bones=False
    )


def version() -> None:
    print(f"dimo-version {bpy.app.version_string}")


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    {"to_fbx": to_fbx, "from_fbx": from_fbx, "version": version}[given[0]](*given[1:])
