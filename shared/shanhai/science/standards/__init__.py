"""Environmental quality standards as data: a revised standard is another file of this folder."""
