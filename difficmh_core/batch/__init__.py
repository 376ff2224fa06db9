"""Many pictures in one command: what goes in, what comes out, and what is done already."""
