"""A stand-in for Eyewire: a folder of made-up or cut-up volumes, and who serves it."""
