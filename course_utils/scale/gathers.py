"""What several processes of one training know of each other, by the engine that they are coupled with.

A gather takes an array of bytes (uint8) and returns those of all processes, in their order: an array of shape
(processes, length). All processes call it, at the same moment, with arrays of one length.
"""

import numpy as np


def gather_of(model):
    """The gather of the engine that trains this model.

    Raises:
        ValueError: the processes are coupled by nothing that is known here.
    """
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is not None and strategy.extended._in_multi_worker_mode():
        return tf_gather(strategy)
    import keras

    if isinstance(model, keras.Model) and keras.backend.backend() == "jax":
        return jax_gather
    if isinstance(model, keras.Model) and keras.backend.backend() == "torch":
        import torch.distributed

        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch_gather
        raise ValueError("Together: torch.distributed has not begun. Call init_process_group before fit.")
    raise ValueError("Together knows the processes of JAX (jax.distributed), of PyTorch (torch.distributed) "
                     "and of tf_keras (MultiWorkerMirroredStrategy), and this model is trained by none of "
                     "them. Give it gather=, which gathers an array from all processes.")


def jax_gather(mine):
    """From all processes of `jax.distributed`, as keras.distribution uses them."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(mine)).reshape(-1, len(mine))


def torch_gather(mine):
    """From all processes of `torch.distributed`."""
    import torch
    from torch import distributed

    # NCCL knows GPUs alone
    mine = torch.from_numpy(mine).to("cuda" if distributed.get_backend() == "nccl" else "cpu")
    rows = [torch.empty_like(mine) for _ in range(distributed.get_world_size())]
    distributed.all_gather(rows, mine)
    return torch.stack(rows).cpu().numpy()


def tf_gather(strategy):
    """The gather of a MultiWorkerMirroredStrategy, for tf_keras."""
    import tensorflow as tf

    workers = len(strategy.cluster_resolver.cluster_spec().as_dict().get("worker", [0]))

    @tf.function
    def rows_of(mine):
        def everyones(values):
            return tf.distribute.get_replica_context().all_gather(values[None], axis=0)

        return strategy.run(everyones, (mine,))

    def gather(mine):
        values = tf.constant(mine, "int32")  # its collectives know no bytes
        rows = strategy.experimental_local_results(rows_of(values))[0].numpy()
        return rows.reshape(workers, -1, len(mine))[:, 0]  # each replica of a worker has sent the same

    return gather
