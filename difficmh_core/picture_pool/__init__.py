"""Pictures from strangers, read in processes that can die: a server reads them through a pool.

A decoder is a large program in C, and a picture is what its sender wants it to be. Whatever it
does to the process that reads it, the caller gets a picture or one sentence.
"""

from difficmh_core.picture_pool.limits import WorkerLimits
from difficmh_core.picture_pool.pool import PicturePool
from difficmh_core.picture_pool.reading import PngPicture, read_as_png

__all__ = ["PicturePool", "PngPicture", "WorkerLimits", "read_as_png"]
