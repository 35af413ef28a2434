"""Asking a person at a terminal: what is shown, what is typed, what it comes to.

`terminal` is the way in. `_cards`, `_permissions` and `_forms` are pure: from a request to lines of
text, from a text to a value. `_editor` makes lines of keys, `_keys` reads them, `_person` is both with
a console, `_dialogues` has the conversation for each kind of request.
"""
