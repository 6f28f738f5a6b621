"""Red-line leads: opening cases, their steps, and figures over them."""
