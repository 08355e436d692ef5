"""A worker that goes wrong, in a module that other processes can import, without torch."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from dimo.errors import FormatError


@dataclass(frozen=True)
class Square:
    """Notes each start in a folder, and does what a shard says."""

    folder: Path

    def __call__(self):
        (self.folder / f"started-{os.getpid()}").touch()
        return self.work

    def work(self, shard):
        if shard == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if shard == "kill once" and not (self.folder / "once").exists():
            (self.folder / "once").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if shard == "raise":
            raise FormatError("is not a shard", path="here", line=3)
        if shard == "raise what cannot be sent":
            raise Unsendable
        if shard == "full":
            raise OSError(28, "No space left on device", "there")
        if isinstance(shard, str):
            time.sleep(0.2)
            return shard
        return shard**2, os.getpid()


class Unsendable(Exception):
    def __reduce__(self):
        raise TypeError("not to be sent")
