"""A device that no machine has, as choosy as a GPU: tensors that say they are on torch's "meta" but hold numbers.

Within `with Elsewhere():` a tensor that is made on AWAY, or moved there, computes with real values on the CPU, so that whole
verbs and training steps run with all their turns, and what a GPU would refuse raises a Refused instead:

- an operation on tensors of AWAY and of the CPU (but for copies, and for single numbers as CUDA allows them),
- numpy of a tensor that was not brought back,
- random numbers drawn on AWAY, where a seed would give others (dropout is let be), or by a generator of another device,
- float64, which Apple GPUs have not.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only

AWAY = torch.device("meta")
CPU = torch.device("cpu")
aten = torch.ops.aten

MIXING = (aten.copy_.default, aten._pack_padded_sequence.default, aten._pack_padded_sequence_backward.default)
"""Operations that take tensors of both devices: copies, and lengths, which torch wants on the CPU."""
SINGLE = (aten.where.self, aten.index_put_.default, aten.masked_fill.Tensor, aten.masked_fill_.Tensor)
"""Operations beside the pointwise ones that take a single number of the CPU."""
DROPOUT = (aten.bernoulli_.float, aten.native_dropout.default)


class Refused(RuntimeError):
    """What a GPU would not do."""


class Far(Tensor):
    """A tensor of AWAY; `inner` holds its values."""

    inner: Tensor
    is_meta = False  # torch warns of copies to tensors without values

    @staticmethod
    def __new__(cls, inner: Tensor) -> Far:
        if inner.dtype == torch.float64:
            raise Refused("float64 is not on every device")
        made = Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=AWAY,
        )
        made.inner = inner
        return made

    def tolist(self) -> list:
        return self.cpu().tolist()

    def numpy(self, **_: object) -> None:  # type: ignore[override]
        raise Refused("numpy of a tensor that is not on the CPU")

    def __array__(self, *_: object, **__: object) -> None:  # type: ignore[override]
        self.numpy()

    def __repr__(self, **_: object) -> str:
        return f"Far({self.inner})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


def compute(func, args, kwargs):
    """Run an operation of torch on the CPU, when AWAY would, and say where its result is."""
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    far = any(isinstance(x, Far) for x in tensors)
    wanted = kwargs.get("device")
    away = far if wanted is None else torch.device(wanted) == AWAY
    if not far and not away:
        return func(*args, **kwargs)
    near = [x for x in tensors if not isinstance(x, Far)]
    if far and near and func not in MIXING:
        single = torch.Tag.pointwise in func.tags or func in SINGLE
        if not single or any(x.ndim for x in near):
            raise Refused(f"{func} of tensors on two devices")
    if away and torch.Tag.nondeterministic_seeded in func.tags and func not in DROPOUT:
        raise Refused(f"{func} draws random numbers where the seed gives others")
    near_args, near_kwargs = tree_map_only(Far, lambda x: x.inner, (args, kwargs))
    if wanted is not None:
        near_kwargs["device"] = CPU
    out = func(*near_args, **near_kwargs)
    if away:
        if func is aten._pack_padded_sequence.default:
            return Far(out[0]), out[1]
        out = tree_map_only(Tensor, Far, out)
    return return_and_correct_aliasing(func, args, kwargs, out) if far else out


class Making(TorchFunctionMode):
    """torch.tensor and lists as indices make tensors of "meta" without values; here they are made on the CPU and moved."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor) and "device" in kwargs and torch.device(kwargs["device"]) == AWAY:
            return func(*args, **{**kwargs, "device": CPU}).to(AWAY)
        if func in (Tensor.__getitem__, Tensor.__setitem__) and isinstance(args[0], Far):
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            index = tuple(torch.tensor(i).to(AWAY) if isinstance(i, list) else i for i in index)
            return func(args[0], index, *args[2:])
        return func(*args, **kwargs)


class Elsewhere(TorchDispatchMode):
    """The context in which AWAY is there; `operations` counts those that it has done."""

    operations = 0

    def __enter__(self) -> Elsewhere:
        self.making = Making()
        self.making.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.making.__exit__(*error)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = compute(func, args, kwargs or {})
        self.operations += any(isinstance(x, Far) for x in tree_leaves(out))
        return out
