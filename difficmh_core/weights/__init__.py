"""Weights: cards, the cache of fetched files, strict loading, published key names."""
