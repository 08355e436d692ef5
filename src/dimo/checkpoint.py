"""A weights folder: config.json, safetensors files, vocab.txt, a model card. Knows no class of ours."""

from __future__ import annotations

import hashlib
import json
import os
from importlib import resources, util
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from dimo.errors import WeightsError

FORMAT, VERSION = "dimo-weights", 1
PACKAGES = {"open": "dimo_open"}
"""Weights that are a package of their own, by the name that asks for them."""
HALF_FROM = 4096
"""Tensors of at least this many values are stored in half precision; smaller ones (statistics, biases) stay exact."""


def shipped_folder() -> Path:
    """Where the weights that ship with the package lie."""
    return Path(str(resources.files("dimo") / "weights"))


def packaged_folder() -> Path:
    """The weights that are meant where none are named: those that ship, or the folder that DIMO_WEIGHTS names."""
    override = os.environ.get("DIMO_WEIGHTS")
    return Path(override) if override else shipped_folder()


def folder_of(model: str | Path | None) -> Path:
    """The weights folder that is meant: that of a package in PACKAGES by its name, a path, or None, the packaged one.

    WeightsError for a package that is not installed.
    """
    if model is None:
        return packaged_folder()
    package = PACKAGES.get(str(model))
    if package is None or is_weights(Path(model)):
        return Path(model)
    found = util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise WeightsError(
            f"the weights {str(model)!r} are not installed; make {model} does it, or pip install ./weights-{model}"
        )
    return Path(found.submodule_search_locations[0]) / "weights"


def save(folder: Path, config: dict[str, Any], tensors: dict[str, dict[str, Tensor]], files: dict[str, str]) -> None:
    """Write config.json, NAME.safetensors per entry of tensors, and text files; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in tensors.items():
        temporary = folder / f".{name}.{os.getpid()}"
        save_file({k: _halved(v) for k, v in state.items()}, temporary)
        os.chmod(temporary, 0o644)  # the library makes it readable by its owner only
        os.replace(temporary, folder / f"{name}.safetensors")
    hashes = {f"{name}.safetensors": sha256(folder / f"{name}.safetensors") for name in tensors}
    config = {"format": FORMAT, "version": VERSION, **config, "sha256": hashes}
    for name, text in {**files, "config.json": json.dumps(config, indent=2) + "\n"}.items():
        temporary = folder / f".{name}.{os.getpid()}"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, folder / name)


def _halved(value: Tensor) -> Tensor:
    value = value.detach().contiguous()
    return value.half() if value.is_floating_point() and value.numel() >= HALF_FROM else value


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_weights(folder: Path) -> bool:
    """Whether a folder says that it is a weights folder, sound or not."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return _is_ours(config)


def _is_ours(config: Any) -> bool:
    return isinstance(config, dict) and config.get("format") == FORMAT


def read_config(folder: Path) -> dict[str, Any]:
    """The checked config of a weights folder; WeightsError says what is missing or of another version."""
    path = folder / "config.json"
    if not folder.is_dir():
        raise WeightsError(f"{folder}: no such weights folder; it would hold config.json and *.safetensors")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(f"{path}: missing, so this is not a weights folder") from None
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not readable as JSON ({error})") from None
    if not _is_ours(config):
        raise WeightsError(f'{path}: not a dimo weights folder ("format": "{FORMAT}" is expected)')
    if config.get("version") != VERSION:
        raise WeightsError(f"{path}: version {config.get('version')} is not the {VERSION} that this dimo reads")
    return config


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; WeightsError where it is missing or damaged."""
    if not path.is_file():
        raise WeightsError(f"{path}: missing from the weights folder")
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: not a whole safetensors file ({error})") from None


class Undrawn(TorchFunctionMode):
    """Modules that are made within it have no first weights drawn for them, only room: for those that load_into fills next."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == torch.nn.init.__name__:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


def load_into(module: nn.Module, path: Path, optional: tuple[str, ...] = ()) -> None:
    """Load a safetensors file into a module, as float32; every missing, unexpected or misshapen key is named at once.

    optional: keys that the file may leave out (state that only training needs).
    """
    state = read_tensors(path)
    own = module.state_dict()
    missing = sorted(own.keys() - state.keys() - set(optional))
    unexpected = sorted(state.keys() - own.keys())
    shapes = [
        f"{k} {tuple(state[k].shape)} for {tuple(own[k].shape)}"
        for k in sorted(own.keys() & state.keys())
        if own[k].shape != state[k].shape
    ]
    faults = [
        f"{what}: {', '.join(keys)}"
        for what, keys in (("missing", missing), ("unexpected", unexpected), ("misshapen", shapes))
        if keys
    ]
    if faults:
        raise WeightsError(f"{path}: does not fit its config.json ({'; '.join(faults)})")
    with torch.no_grad():
        module.load_state_dict(state, strict=False)  # copies into what the module has, so into its types
