"""From a padded batch of token ids to a vector for each token: the lower part of classifiers and taggers."""
