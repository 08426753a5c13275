"""Names of the features of a contact."""

# Standard deviations of the Gaussians, in coarse voxels.
SMOOTHING = (1.0, 2.0)
SHEETS = (1.0, 1.6, 2.5)

FILTERS = (
    "grey",
    *(f"{name}_{sigma}" for sigma in SMOOTHING for name in ("smooth", "gradient")),
    *(f"sheet_{sigma}_{order}" for sigma in SHEETS for order in range(3)),
)

QUANTILES = (0.1, 0.5, 0.9)
# Filters whose mean and deviation describe a whole segment.
OF_SEGMENTS = ("grey", "smooth_2.0", "gradient_1.0", "sheet_1.6_0")
# Filters whose mean in the contact is compared with the segments on both sides.
COMPARED = ("grey", "smooth_2.0", "sheet_1.6_0")

# What describes a filtered image on a contact.
OF_A_FILTER = (*(f"quantile_{q}" for q in QUANTILES), "mean", "deviation")
OF_A_SEGMENT = (
    "log_voxels",
    *(f"{name}_{what}" for name in OF_SEGMENTS for what in ("mean", "deviation")),
)
# The features of a contact. A change of these, or of how they are made, makes old
# checkpoints worthless: give `models.checkpoint.FORMAT` another number.
FEATURES = (
    *(f"{name}_{what}" for name in FILTERS for what in OF_A_FILTER),
    "log_faces", "spread", "compactness",
    *(f"{name}_{side}" for side in ("smaller", "larger", "difference")
      for name in OF_A_SEGMENT),
    "share_of_smaller", "share_of_larger", "distance",
    *(f"{name}_over_{side}" for name in COMPARED for side in ("higher", "lower")),
)  # fmt: skip

# What the second look sees of a contact: the evidence on it and on those around it.
RELATIONS = (
    "evidence",
    # Beside that on the surest other contact of the same segment.
    "above_next_smaller", "above_next_larger",
    "mean_on_others_smaller", "mean_on_others_larger",
    "log_others_smaller", "log_others_larger",
    # By way of a third segment that touches both: the weaker step of the surest way,
    # and the largest difference between two steps.
    "weaker_step", "differing_steps",
)  # fmt: skip
# And how its segments meet. Axes are the longest ones within a ball around the contact,
# the normal is that of the contact; between two of them are cosines.
SHAPES = (
    "share_of_smaller", "share_of_larger",
    "goes_on",  # from within the smaller to within the larger, through the contact
    "axes", "smaller_to_normal", "larger_to_normal", "both_to_normal",
    # 1 a line, 0 as thick as it is long.
    "straight_smaller", "straight_larger", "straight_both",
    # Deviations across the axis, in edges of a cube of a voxel's volume.
    "calibre_smaller", "calibre_larger", "calibre_both",
    "length", "width", "unevenness",  # of the contact
    "ball_smaller", "ball_larger",  # shares of the ball
    "width_in_calibres",
)  # fmt: skip
SEEN = (*RELATIONS, *SHAPES)
