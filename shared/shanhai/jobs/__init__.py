"""Where jobs are described, submitted, dispatched and followed."""
