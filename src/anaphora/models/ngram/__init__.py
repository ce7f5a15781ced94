"""Count-based models: n-grams are counted, smoothed into tables, and looked up. Estimation loads no torch."""
