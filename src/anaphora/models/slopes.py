"""Gradients on their way back through the squashing functions, in place, for the gradients that are written out."""

from typing import cast

import torch
from torch import Tensor


def through_sigmoid(gradient: Tensor, output: Tensor) -> Tensor:
    """Multiply the gradient, in place, by the slope of the logistic function where it returned `output`."""
    return cast(Tensor, torch.ops.aten.sigmoid_backward.grad_input(gradient, output, grad_input=gradient))


def through_tanh(gradient: Tensor, output: Tensor) -> Tensor:
    """Multiply the gradient, in place, by the slope of tanh where it returned `output`."""
    return cast(Tensor, torch.ops.aten.tanh_backward.grad_input(gradient, output, grad_input=gradient))
