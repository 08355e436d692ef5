"""Tests run on the CPU, whatever the machine has; tests/device is about other devices."""

import os

os.environ["DIMO_DEVICE"] = "cpu"
