"""Models, whatever their kind: trained, kept, asked, and taken to another tissue.

`train` and `answer` find the code of a kind; its network is in `voxel_network` or in
`agglomeration`. `checkpoint` is the file of a trained model.

Used alone, on arrays that a user names: `voxel_validator` and `segment_validator`, with
`arrays_answer` in front of them, and `supervoxels`, which cuts an image into segments.

Evidence of contacts, kept while what stands beside it is fitted: `evidence` and
`gather_evidence`. A user's tissue is learned from its labels by `learn` and `learned`,
and without any by `adapt`. `carry_over` and the modules named `judge_` say what a fit
is worth on what it never saw; `packaging` puts what was fitted into a checkpoint.
"""
