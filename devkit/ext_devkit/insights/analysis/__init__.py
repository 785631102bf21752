"""What the stored items say together: how fast, how often, what failed, who calls whom. Each question is a function."""
