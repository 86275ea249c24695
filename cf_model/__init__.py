"""Who likes what: confidence, ALS, fold-in."""
