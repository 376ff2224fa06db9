"""The generative prior: autoencoder, controlled U-Net, conditioning, schedules and samplers."""
