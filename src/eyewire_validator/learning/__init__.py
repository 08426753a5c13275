"""What all trainings share: epochs, devices, symmetries, checkpoint files."""
