"""Networks with their weights, ready to code and decode."""
