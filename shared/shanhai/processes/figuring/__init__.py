"""From data to the yearly values of indicators, and from those to a judgement and an outlook."""
