"""The published system rehearsed at its full size, with a checkpoint that is made here."""
