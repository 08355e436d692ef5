"""A batch whose worker dies of a prompt, in a module that other processes can import."""

import os
import signal

from dimo.batch.make import Plan


class Deadly(Plan):
    """A plan whose worker dies of the prompt "bow"."""

    def start(self):
        maker = super().start()

        def make(prompts):
            if any(prompt.id == "bow" for prompt in prompts):
                os.kill(os.getpid(), signal.SIGKILL)
            return maker(prompts)

        return make
