"""Keep diffusers from importing a package that this program never uses.

Wherever bitsandbytes is installed (pyiqa asks for it), diffusers imports it together with its
models: 1.7 s, and a warning on the error stream about kernels that are absent. Nothing here loads
quantized weights, so diffusers is told that bitsandbytes is not there. Should a later diffusers
keep that knowledge elsewhere, the import is slow again and nothing else changes.

Import it before any module of diffusers that holds models.
"""

from diffusers.utils import import_utils

if hasattr(import_utils, "_bitsandbytes_available"):
    import_utils._bitsandbytes_available = False
