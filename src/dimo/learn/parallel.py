"""Data-parallel training over processes: `torchrun --nproc-per-node 2 -m dimo train model ...`.

Gradients are summed in one flat vector a step: by NCCL between NVIDIA GPUs, of which each process has one of its own, else by
gloo. On a small CPU it also pays: two processes of one thread did 1.2 times the steps of one process of two threads, since
most of what lies between the matrix products does not scale.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, distributed

from dimo.errors import RequestError


def world() -> tuple[int, int]:
    """(rank, number of processes): (0, 1) unless torchrun started this process. Joins a group for CPUs if it is in none."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return 0, 1
    if not distributed.is_available():
        raise RequestError(f"WORLD_SIZE is {count}, but this build of torch has no distributed training")
    if not distributed.is_initialized():
        _meet("gloo")
    return distributed.get_rank(), distributed.get_world_size()


def join(device: torch.device) -> torch.device:
    """Where this process computes, and the group that it belongs to is one for such devices. Called before world().

    Without torchrun it is the given device. RequestError for more processes than NVIDIA GPUs, or on an Apple GPU.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return device
    if device.type == "cuda":
        number, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
        if number >= there:
            raise RequestError(f"each process needs an NVIDIA GPU of its own, and this machine has {there} of them")
        device = torch.device("cuda", number)
        torch.cuda.set_device(device)
    elif device.type != "cpu":
        raise RequestError(f"{count} processes train on CPUs or NVIDIA GPUs, not on {device.type}")
    if distributed.is_available() and not distributed.is_initialized():
        _meet(backend(device))
    return device


def _meet(name: str) -> None:
    """Join the group of all processes; RequestError where they do not find each other."""
    try:
        distributed.init_process_group(name)
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0][:160]
        raise RequestError(
            f"the processes of this training did not find each other ({reason}); does torchrun start them?"
        ) from None


def backend(device: torch.device) -> str:
    """What sums tensors of a device, as torch.distributed names it: gloo for those on the CPU, NCCL for those on GPUs."""
    return "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"


def add_up(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over all processes, in place; nothing to do in a single one.

    RequestError when one of them has died, or was ended by an error of its own.
    """
    if world()[1] == 1:
        return
    flat = torch.cat([t.reshape(-1) for t in tensors])
    try:
        distributed.all_reduce(flat)
    except RuntimeError as error:  # gloo's and NCCL's are of this class
        if _out_of_memory(error):
            raise
        raise RequestError(
            "another process of this training has ended; what was saved last is whole, and --resume goes on from it"
        ) from error
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def _out_of_memory(error: RuntimeError) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)


def agreed(stop: bool) -> bool:
    """Whether any process wants to stop, so that all of them do at the same step."""
    if world()[1] == 1:
        return stop
    flag = torch.tensor([float(stop)])
    add_up([flag])
    return bool(flag > 0)


def wait() -> None:
    """Until every process is here."""
    agreed(False)
