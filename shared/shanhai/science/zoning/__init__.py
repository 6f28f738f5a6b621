"""From supply–demand ratios to the five zones: units, clusters, names, clean-up, polygons."""
