"""What several folders need and no user asks for."""
