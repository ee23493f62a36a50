"""Names of folders that people have, and that a URL, a shell or YAML would read otherwise."""

_CHARACTERS = "?%#&;'\" ü日+=[]{}$~:@\\*!\n"
ODD_NAMES = [*(f"a{character}b" for character in _CHARACTERS), "~", "a%20b", "%3F"]
ALL_AT_ONCE = f"{_CHARACTERS}%20"
