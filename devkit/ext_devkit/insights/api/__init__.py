"""The JSON API: a module for each resource, which says what it takes, what it answers, and how it does.

`resource` has what they are made of, `all_of_them` lists them, `openapi` writes their document, `serving` turns them
into routes.
"""
