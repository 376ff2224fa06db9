"""Every setting of the codec, frozen, typed and checked once; needs no torch."""
