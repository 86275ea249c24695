"""Runs the models: configuration, bundles, search, recommender, training, evaluation."""
