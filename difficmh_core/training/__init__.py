"""Training: photographs, losses, the stages of the recipe, and the loop that runs them."""
