"""Data-parallel training over processes: `torchrun --nproc-per-node 2 -m dimo train model ...`.

Gradients are summed by gloo in one flat vector a step. On a small CPU it also pays: two processes of one thread did 1.2
times the steps of one process of two threads, since most of what lies between the matrix products does not scale.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, distributed

from dimo.errors import RequestError


def world() -> tuple[int, int]:
    """(rank, number of processes): (0, 1) unless torchrun started this process. Joins the group on the first call."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return 0, 1
    if not distributed.is_available():
        raise RequestError(f"WORLD_SIZE is {count}, but this build of torch has no distributed training")
    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
    return distributed.get_rank(), distributed.get_world_size()


def add_up(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over all processes, in place; nothing to do in a single one."""
    if world()[1] == 1:
        return
    flat = torch.cat([t.reshape(-1) for t in tensors])
    distributed.all_reduce(flat)
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def agreed(stop: bool) -> bool:
    """Whether any process wants to stop, so that all of them do at the same step."""
    if world()[1] == 1:
        return stop
    flag = torch.tensor([float(stop)])
    add_up([flag])
    return bool(flag > 0)


def wait() -> None:
    """Until every process is here."""
    if world()[1] > 1:
        distributed.barrier()
