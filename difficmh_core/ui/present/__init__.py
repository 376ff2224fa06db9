"""The examples as a talk: one photograph at a time, in large type, from results made before."""
