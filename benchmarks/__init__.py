"""What the daemon costs, each time beside a floor measured in the same run."""
