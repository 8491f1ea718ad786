"""What notebook 92 uses."""
