"""What was shown: written beside requests, and joined with what users did then."""
