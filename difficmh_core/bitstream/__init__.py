"""The file format: the container, the code for sets of tags, and the range coder."""
