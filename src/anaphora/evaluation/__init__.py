"""How well a model predicts a text: a loss, the measures made from it, and a signature that says of what."""
