"""The viewer that puts pictures side by side."""
