"""What lesson 90 alone uses."""
