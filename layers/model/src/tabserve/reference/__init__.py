"""What a model version's data looked like in training: what serving, training and monitoring share."""
