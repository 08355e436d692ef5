"""Files to Motion and back. Importing this gives Motion.load and Motion.save their readers and writers."""

from dimo.body.motion import FILE_FUNCTIONS
from dimo.formats.table import load, save

FILE_FUNCTIONS.update(load=load, save=save)
