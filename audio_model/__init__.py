"""How a track sounds: decode, mel, network, training, embeddings."""
