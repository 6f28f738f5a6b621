"""Plans that several regions make together."""
