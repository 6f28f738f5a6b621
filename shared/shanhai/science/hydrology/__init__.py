"""Where water runs: depressions filled, directions of flow, and the land above each cell.

Every step works on a raster cut into tiles and gives the same result whatever the tiles are: what
tiles must know of one another is found on their edges. `routing` has the calls.
"""
