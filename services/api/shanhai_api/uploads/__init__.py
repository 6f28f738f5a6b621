"""Files received from clients."""
