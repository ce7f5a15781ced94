"""Single units of a trained net and what they have learnt to track: text coloured by one number of the state."""
