"""Tensors only: models that predict the next token id. Nothing in this package ever sees text."""
