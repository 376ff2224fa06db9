"""The tab of experiments on one photograph."""
