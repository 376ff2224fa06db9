"""What stands before the page: address, accounts, limits, checks of every message."""
