"""The laboratory: what one looks at rather than uses. Small models that explain the large ones, with pictures."""
