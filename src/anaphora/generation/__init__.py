"""From a model to text: filters on the next-token distribution, sampling, beam search, text as it comes."""
