"""What one visitor may ask of the page, unless its host says otherwise."""

MAX_PIXELS = 16_000_000
"""Largest picture that the page takes [px]: a phone's."""
MAX_UPLOAD_MB = 100
"""Largest file that the page takes [MB of 2**20 bytes]."""
MAX_QUEUE = 32
"""Visitors that may wait for the model; later ones are asked to come back."""
