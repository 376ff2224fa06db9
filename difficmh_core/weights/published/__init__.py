"""Key names of the published checkpoints, mapped to ours."""
