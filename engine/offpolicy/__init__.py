"""What another ranking would have earned, estimated from what this one showed."""
