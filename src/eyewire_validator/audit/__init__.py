"""Leak tests: does anything know what it is asked?

* Own answer (`own_answer`): nothing that answers a task may depend on its aggregate.
* Split (`split`): no voxel, cell or task may be in two splits.
* Checkpoint (`verdict`): the weights must have been trained on the very index that is
  audited.

`model` puts one model to the first and the last.

A leaked model must fail: an audit that lets it pass has lost its sight.
"""
