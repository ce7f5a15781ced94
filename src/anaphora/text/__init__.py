"""From files and known corpora to token ids: reading, splitting, and the tokenizers."""
