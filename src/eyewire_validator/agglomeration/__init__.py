"""Agglomeration: join a volume's segments to a task's seed, contact by contact.

A volume becomes a region adjacency graph. Its contacts (`contacts`) are described by
features (`features`) of filtered images (`filters`), which perceptrons classify
(`contact_classifier`), and by affinities (`affinities`) that a U-Net predicts
(`affinity_unet`). Both together are the `contact_model`, which scores contacts
(`scoring`), and may take a `second_look` at them, by the evidence around each and by
`contact_shapes`. `linkage` joins segments to the seed, the surest contact first, and
`membership` turns that into probabilities, by tissue (`tissue_memberships`), which the
`answerer` gives.

`examples` labels contacts by tasks to learn from; `training` and `affinity_training`
learn. `labelled_tissue` are whole blocks, from which `tissue_training` learns, as does
`second_look_training`.
"""
