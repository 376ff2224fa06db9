"""Readers of foreign bytes under random input; ``python -m tests.fuzz`` runs them."""
