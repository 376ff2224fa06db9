"""The learned codec of the content latent: transforms, context model, entropy models."""
