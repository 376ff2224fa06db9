"""What machines see in a decoded picture, against what they see in the original."""
