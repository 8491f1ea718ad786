"""What lesson 91 alone uses."""
