"""The blend: candidates of both signals, merged and ordered."""
