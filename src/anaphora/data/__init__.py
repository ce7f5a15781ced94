"""From token ids to batches: ids on disk, and the windows that are cut from them."""
