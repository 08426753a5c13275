"""The base of all trainings: epochs, devices, symmetries, tensor files."""
