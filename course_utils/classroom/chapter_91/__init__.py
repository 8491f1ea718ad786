"""What notebook 91 uses."""
