"""Batches to a trained model: optimizers, schedules, the loop, checkpoints, and the one dial."""
