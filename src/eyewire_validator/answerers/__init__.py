"""Those who answer tasks: networks, baselines and references.

Baselines answer one task at a time. References know the truth, or are people: they
show what is possible, and are no models.
"""
